// Certificates for tests, made by openssl: an authority of our own, and what it signs for this
// machine, for another name, for a time that is over; and one that nobody signed but itself.
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-noenc"];
const names = { here: "IP:127.0.0.1", elsewhere: "DNS:api.elsewhere.test", past: "IP:127.0.0.1", alone: "IP:127.0.0.1" };

// { authorities: the file to believe, here, elsewhere, past, alone: { key, cert } }
export function certificates(folder) {
  const at = (name) => join(folder, name);
  const openssl = (...words) => execFileSync("openssl", words, { cwd: folder, stdio: "pipe" });
  mkdirSync(at("signed"));
  writeFileSync(at("index"), "");
  writeFileSync(
    at("ca.conf"),
    `[ca]\ndefault_ca = own\n[own]\ndatabase = ${at("index")}\nnew_certs_dir = ${at("signed")}\nrand_serial = yes\n` +
      "default_md = sha256\npolicy = any\ncopy_extensions = copy\nunique_subject = no\n[any]\ncommonName = supplied\n",
  );
  openssl("req", "-x509", ...key, "-days", "2", "-subj", "/CN=an authority of tests", "-keyout", "ca.key", "-out", "ca.pem");
  const made = { authorities: at("ca.pem") };
  for (const [name, subject] of Object.entries(names)) {
    const request = ["-subj", `/CN=${name}`, "-addext", `subjectAltName=${subject}`, "-keyout", `${name}.key`];
    if (name === "alone") {
      openssl("req", "-x509", ...key, "-days", "2", ...request, "-out", `${name}.pem`);
    } else {
      const dates = name === "past" ? ["-startdate", "20200101000000Z", "-enddate", "20210101000000Z"] : ["-days", "2"];
      const ca = ["-config", "ca.conf", "-batch", "-notext", "-cert", "ca.pem", "-keyfile", "ca.key"];
      openssl("req", ...key, ...request, "-out", `${name}.csr`);
      openssl("ca", ...ca, ...dates, "-in", `${name}.csr`, "-out", `${name}.pem`);
    }
    made[name] = { key: readFileSync(at(`${name}.key`)), cert: readFileSync(at(`${name}.pem`)) };
  }
  return made;
}
