// URLs that try to lead a server inside: addresses in every spelling, names and redirects that lead
// to them. Everything is drawn from a seed.
import { readFileSync } from "node:fs";

export const ports = [80, 443, 8443, 22, 53, 2375, 6379, 8080];
export const zone = "to.test";

export function generator(seed) {
  let state = (seed * 2654435761 + 12345) >>> 0;
  return (limit) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 4294967296) * limit);
  };
}

const targets4 = [
  "127.0.0.1", "127.0.0.1", "127.1.2.3", "127.255.255.254", "0.0.0.0", "0.0.0.1", "10.0.0.1", "10.255.0.7",
  "100.64.0.1", "100.64.1.1", "100.64.1.2", "100.100.100.200", "10.200.0.1", "10.200.0.2", "168.63.129.16",
  "169.254.169.254", "169.254.169.254", "169.254.170.2", "172.16.0.1", "172.17.0.1", "172.31.255.1",
  "192.0.0.192", "192.168.0.1", "192.168.1.1", "192.0.2.1", "192.88.99.1", "198.18.0.1", "198.51.100.1",
  "203.0.113.1", "224.0.0.251", "240.0.0.1", "255.255.255.255",
];
const targets6 = [
  "::1", "::1", "::", "fd00:ec2::254", "fd20:ce::254", "fd99:1::1", "fd99:1::2", "fd99:2::1", "fc00::1",
  "fe80::1", "fec0::1", "ff02::1", "100::1", "2001:db8::1", "3fff::1", "4000::1", "2a00:1450::5efe:a00:1",
  "2001::1", "2001:2::1", "2001:10::1",
];

const parts = (address) => address.split(".").map(Number);
const value = (address) => parts(address).reduce((sum, part) => sum * 256 + part, 0);
const hex = (address) => value(address).toString(16).padStart(8, "0");
const halves = (address) => `${hex(address).slice(0, 4)}:${hex(address).slice(4)}`;
const wide = (text, base) => [...text].map((c) => (c >= "0" && c <= "9" ? String.fromCodePoint(base + Number(c)) : c)).join("");
const escaped = (text) => [...text].map((c) => `%${c.charCodeAt(0).toString(16)}`).join("");

// A host as inet_aton, WHATWG, IDNA and sloppy parsers would understand it.
const spellings4 = [
  (a) => a,
  (a) => `${a}.`,
  (a) => String(value(a)),
  (a) => `0x${hex(a)}`,
  (a) => `0X${hex(a).toUpperCase()}`,
  (a) => `0${value(a).toString(8)}`,
  (a) => parts(a).map((part) => `0${part.toString(8)}`).join("."),
  (a) => parts(a).map((part) => `0x${part.toString(16)}`).join("."),
  (a) => parts(a).map((part) => String(part).padStart(3, "0")).join("."),
  (a) => `${parts(a)[0]}.${value(a) % 16777216}`,
  (a) => `${parts(a)[0]}.${parts(a)[1]}.${value(a) % 65536}`,
  (a) => `0x${parts(a)[0].toString(16)}.${parts(a)[1]}.0${parts(a)[2].toString(8)}.${parts(a)[3]}`,
  (a) => String(value(a) + 4294967296),
  (a) => parts(a).map((part) => part + 256).join("."),
  (a) => `[::ffff:${a}]`,
  (a) => `[::FFFF:${halves(a)}]`,
  (a) => `[0:0:0:0:0:ffff:${halves(a)}]`,
  (a) => `[::${a}]`,
  (a) => `[::ffff:0:${a}]`,
  (a) => `[64:ff9b::${a}]`,
  (a) => `[64:ff9b:1::${a}]`,
  (a) => `[2002:${halves(a)}::1]`,
  (a) => `[2001:0:${halves(a)}::]`,
  (a) => `[2a00:1450:1::5efe:${a}]`,
  (a) => `[2a00:1450:1:0:200:5efe:${halves(a)}]`,
  (a) => `[fe80::1%25${a}]`,
  (a) => wide(a, 0xff10),
  (a) => wide(a, 0x1d7ce),
  (a) => a.replaceAll(".", "\u3002"),
  (a) => a.replaceAll(".", "%2e"),
  (a) => escaped(a),
  (a) => `${a}\u00ad`,
  (a) => `${a}%00.${zone}`,
  (a) => `${a}\\.${zone}`,
  (a) => `good.${zone}@${a}`,
  (a) => `good.${zone}:80@${a}`,
  (a) => `good.${zone}\\@${a}`,
  (a) => `${a}\\@good.${zone}`,
  (a) => `[${a}]`,
  (a) => `${a}\t`,
  (a) => `\n${a}`,
];
const spellings6 = [
  (a) => `[${a}]`,
  (a) => `[${a.toUpperCase()}]`,
  (a) => `[${a}%25lo]`,
  (a) => `[${a}%lo]`,
  (a) => `good.${zone}@[${a}]`,
  (a) => a,
];

const hex6 = (address) => {
  const [left, right = ""] = address.split("::");
  const groups = (text) => text.split(":").filter(Boolean).map((group) => group.padStart(4, "0"));
  const [before, after] = [groups(left), groups(right)];
  return [...before, ...Array(8 - before.length - after.length).fill("0000"), ...after].join("");
};

// Names that world.mjs resolves; each is used once, by its number.
const names = [
  (a, n) => `v4-${hex(a)}-${n}.${zone}`,
  (a, n) => `V4-${hex(a)}-${n}.${zone.toUpperCase()}.`,
  (a, n) => `mapped-${hex(a)}-${n}.${zone}`, // an AAAA with ::ffff:a
  (a, n) => `nat64-${hex(a)}-${n}.${zone}`,
  (a, n) => `first-${hex(a)}-${n}.${zone}`, // inside, then a public one, in one answer
  (a, n) => `last-${hex(a)}-${n}.${zone}`, // a public one, then inside
  (a, n) => `many-${hex(a)}-${n}.${zone}`, // thirty public ones, and inside
  (a, n) => `alias-${hex(a)}-${n}.${zone}`, // a CNAME to such a name
  (a, n) => `local-${hex(a)}-${n}.${zone}`, // a CNAME to localhost, with its address
];
const familiar = [
  "localhost", "LOCALHOST.", "localhost.localdomain", "a.localhost", "ip6-localhost", "metadata",
  "metadata.google.internal", "instance-data.ec2.internal", "kubernetes.default.svc", "host.docker.internal",
];

const table = readFileSync(new URL("../../src/edge/guard_table.txt", import.meta.url), "utf8")
  .split("\n")
  .map((line) => line.match(/^(?:open|name|shut) +(\S+)/)?.[1])
  .filter(Boolean)
  .map((text) => undo(text));

function undo(text) {
  const bytes = Buffer.from(text, "utf8").toString("latin1");
  return bytes.replace(/\\\\|\\x(..)/g, (all, digits) => (digits ? String.fromCharCode(parseInt(digits, 16)) : "\\"));
}

// Latin-1 text, a character a byte, as the driver's input wants it.
export function escapeLine(bytes) {
  return bytes.replace(/[^\x21-\x5b\x5d-\x7e]/g, (c) =>
    c === "\\" ? "\\\\" : `\\x${c.charCodeAt(0).toString(16).padStart(2, "0")}`);
}

const utf8 = (text) => Buffer.from(text, "utf8").toString("latin1");

export class Urls {
  constructor(seed) {
    this.random = generator(seed);
    this.count = 0;
  }

  pick(list) {
    return list[this.random(list.length)];
  }

  port() {
    return this.random(3) ? "" : `:${this.pick(ports)}`;
  }

  path() {
    return this.pick(["/", "", "/latest/meta-data/", "/a.png?x=1", "?@good.to.test/", "#@good.to.test/"]);
  }

  address() {
    if (this.random(4)) return utf8(this.pick(spellings4)(this.pick(targets4)));
    return this.pick(spellings6)(this.pick(targets6));
  }

  name() {
    const n = this.count;
    if (this.random(10) === 0) return this.pick(familiar);
    if (this.random(5) === 0) return `v6-${hex6(this.pick(targets6))}-${n}.${zone}`;
    return this.pick(names)(this.pick(targets4), n);
  }

  scheme() {
    return this.pick(["http://", "http://", "http://", "https://", "HTTP://", "http:/", "http:///", "http:\\\\"]);
  }

  inside() {
    const host = this.random(3) ? this.address() : this.name();
    return `${this.scheme()}${host}${this.port()}${this.path()}`;
  }

  // What a redirect may name: a URL, or something that a sloppy joiner makes a host of.
  location() {
    const host = this.random(3) ? this.address() : this.name();
    return this.pick([
      () => `http://${host}/`, () => `http://${host}${this.port()}${this.path()}`, () => `HTTP://${host}/`,
      () => `//${host}/`, () => `///${host}/`, () => `\\\\${host}\\`, () => `/\\${host}/`, () => `http:${host}`,
      () => `http:/${host}/`, () => `http:\\\\${host}/`, () => ` http://${host}/`, () => `http://${host}`,
      () => `@${host}/`, () => `:@${host}/`, () => `http://good.${zone}@${host}/`, () => `https://${host}/`,
      () => "file:///etc/passwd", () => `gopher://${host}:6379/_INFO`, () => `dict://${host}:11211/stat`,
      () => `ftp://${host}/`, () => `javascript:location='http://${host}/'`, () => `data:,http://${host}/`,
    ])().replace(/[\r\n]/g, "");
  }

  redirect() {
    const coded = Buffer.from(this.location(), "latin1").toString("base64url");
    const hops = this.pick([1, 1, 1, 2, 3, 4, 9]);
    return `http://good-${this.count % 50}.${zone}${this.pick(["", ":8443"])}/to/${hops}/${this.pick([301, 302, 303, 307, 308])}/${coded}`;
  }

  mutant() {
    let bytes = this.pick(table);
    for (let changes = 1 + this.random(3); changes > 0; changes--) {
      const at = this.random(bytes.length + 1);
      const byte = this.random(3) ? this.pick([..."0123456789abcdefx.:/@[]%\\#?-_~\t\n"]) : String.fromCharCode(this.random(256));
      bytes = bytes.slice(0, at) + (this.random(3) ? byte : "") + bytes.slice(at + this.random(2));
    }
    return bytes;
  }

  // { url (bytes as Latin-1), kind, must: "refused", "answered" or undefined when either may be }
  next() {
    const n = this.count++;
    const lot = this.random(100);
    if (lot < 30) return { kind: "address", must: "refused", url: `http://${this.address()}${this.port()}/` };
    if (lot < 45) return { kind: "name", must: "refused", url: `http://${this.name()}${this.port()}/` };
    if (lot < 50) return { kind: "odd", url: this.inside() };
    // The first answer is public, each later one inside: one look-up, and the answer is taken.
    if (lot < 55) return { kind: "rebinding", must: "answered", url: `http://turn-${hex(this.pick(targets4))}-${n}.${zone}/` };
    // It sends the client back to its own name, which leads inside by then.
    if (lot < 60) return { kind: "rebinding redirect", must: "refused", url: `http://turn-${hex(this.pick(targets4))}-${n}.${zone}/again` };
    if (lot < 80) return { kind: "redirect", url: this.redirect() };
    if (lot < 82) return { kind: "loop", must: "answered", url: `http://good.${zone}/loop/${n}` };
    if (lot < 85) return { kind: "public", must: "answered", url: `http://good-${n % 50}.${zone}/fine.png` };
    return { kind: "mutant", url: this.mutant() };
  }
}
