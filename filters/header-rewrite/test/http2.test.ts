/* The same tests with HTTP/2 between client and proxy. */

process.env["HEADER_REWRITE_DOWNSTREAM"] = "http2";
for (const file of ["conditions", "headers", "target"]) await import(`./${file}.test.js`);
