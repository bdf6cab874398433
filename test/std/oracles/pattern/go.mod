module meshwasm/test/pattern

go 1.22
