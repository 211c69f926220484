// The networks that must not be reached on a stranger's word, written down from IANA's registries a
// second time and without a look at src/edge/guard.c, which this is held against.
import { BlockList } from "node:net";

export const inside4 = [
  "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "168.63.129.16/32", "169.254.0.0/16", "172.16.0.0/12",
  "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24",
  "203.0.113.0/24", "240.0.0.0/4",
];
export const inside6 = [
  "::/3", "2001::/23", "2001:db8::/32", "2002::/16", "3ffe::/16", "3fff::/20", "4000::/2", "8000::/1",
];

// Two lists: in one, an IPv4 address would be looked for among the IPv6 networks too.
function listOf(networks, kind) {
  const list = new BlockList();
  for (const network of networks) {
    const [address, length] = network.split("/");
    list.addSubnet(address, Number(length), kind);
  }
  return list;
}
const list4 = listOf(["0.0.0.0/8", "224.0.0.0/4", ...inside4], "ipv4");
const list6 = listOf(inside6, "ipv6");

export function isInside(address) {
  const mapped = address.match(/^(?:::ffff:)?(\d+\.\d+\.\d+\.\d+)$/); // as Node writes an IPv4 peer
  if (mapped) return list4.check(mapped[1], "ipv4");
  return list6.check(address, "ipv6") || /(::|:0:|:200:)5efe:[0-9a-f]+:[0-9a-f]+$/.test(address); // ISATAP
}
