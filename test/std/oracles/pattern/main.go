package main

func main() { printFoldTable() }
