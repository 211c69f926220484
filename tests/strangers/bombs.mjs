// JSON bodies of a megabyte, each trouble in a way of its own.
const mega = 1 << 20;
const fill = (start, piece, end) =>
  start + piece.repeat(Math.floor((mega - start.length - end.length) / piece.length)) + end;
const many = (make) => Array.from({ length: 45_000 }, (_, n) => make(n)).join(",");

export const bombs = {
  "deep lists": fill("", "[", ""),
  "deep objects": fill('{"model":', '{"a":', "1"),
  "many numbers": fill("[", "1,", "1]"),
  "many empty lists": fill('{"model":"ltx2","metadata":{"a":[', "[],", "1]}}"),
  "one long number": fill('{"a":', "9", "}"),
  "one long exponent": fill('{"a":1', "0", "e999}"),
  "one long text": fill('{"model":"ltx2","prompt":"', "x", '"}'),
  "one long URL": fill('{"model":"ltx2","imageUrl":"http://', "%", '"}'),
  "escapes": fill('{"model":"ltx2","prompt":"', "\\u0041", '"}'),
  "halves of surrogates": fill('{"model":"', "\\ud800", '"}'),
  "quotes": fill("", '"', ""),
  "one key again and again": fill("{", '"a":1,', '"a":2}'),
  "unknown parameters": `{"model":"ltx2",${many((n) => `"key${n}":${n}`)}}`,
  "large metadata": `{"model":"ltx2","metadata":{${many((n) => `"key${n}":${n}`)}}}`,
  "many images": `{"model":"local/kenburns","imageUrls":[${many((n) => `"h://${n}"`)}]}`,
  "many dependencies": `{"model":"local/kenburns","dependsOn":[${many((n) => `"gen_${n}"`)}]}`,
};
