// A certificate that signs itself, for 127.0.0.1 and localhost, made without any other program: X.509 v3
// (RFC 5280) in DER with an ECDSA key on P-256.

import { generateKeyPairSync, randomBytes, sign } from "node:crypto";

const der = (tag, ...parts) => {
  const content = Buffer.concat(parts.map((part) => Buffer.from(part)));
  const bytes = [];
  for (let rest = content.length; rest > 0; rest >>= 8) bytes.unshift(rest & 0xff);
  const length = content.length < 0x80 ? [content.length] : [0x80 + bytes.length, ...bytes];
  return Buffer.concat([Buffer.from([tag, ...length]), content]);
};
const sequence = (...parts) => der(0x30, ...parts);
const octets = (...parts) => der(0x04, ...parts);
const time = (date) => der(0x18, date.toISOString().replaceAll(/[-:T]|\.\d+/g, ""));

// Object identifiers, as their content octets.
const ECDSA_WITH_SHA256 = [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02];
const COMMON_NAME = [0x55, 0x04, 0x03];
const SUBJECT_ALT_NAME = [0x55, 0x1d, 0x11];

const pem = (label, bytes) => {
  const lines = bytes.toString("base64").match(/.{1,64}/g);
  return `-----BEGIN ${label}-----\n${lines.join("\n")}\n-----END ${label}-----\n`;
};

/** Good for a day, also where clocks differ by an hour. `{cert, key}`, both PEM. */
export function selfSigned() {
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const algorithm = sequence(der(0x06, ECDSA_WITH_SHA256));
  const name = sequence(der(0x31, sequence(der(0x06, COMMON_NAME), der(0x0c, "localhost"))));
  const from = (hours) => time(new Date(Date.now() + hours * 3_600_000));
  const alternatives = sequence(der(0x82, "localhost"), der(0x87, [127, 0, 0, 1]));
  const signed = sequence(
    der(0xa0, der(0x02, [2])), // version 3
    der(0x02, [0x01, ...randomBytes(15)]),
    algorithm,
    name,
    sequence(from(-1), from(24)),
    name,
    publicKey.export({ type: "spki", format: "der" }),
    der(0xa3, sequence(sequence(der(0x06, SUBJECT_ALT_NAME), octets(alternatives)))),
  );
  const signature = der(0x03, [0], sign("sha256", signed, privateKey));
  return {
    cert: pem("CERTIFICATE", sequence(signed, algorithm, signature)),
    key: privateKey.export({ type: "pkcs8", format: "pem" }),
  };
}
