#!/usr/bin/env python3
"""Prints the masternode keys of a Castellan recovery phrase, with nothing but Python's standard library.

    python3 docs/recover.py [COIN_TYPE [ADDRESS_PREFIX WIF_PREFIX [HOW_MANY]]]

Dash: 5 76 204 (the default). Test networks: 1 140 239. WEI: 1308 103 230. It asks for the phrase.

It prints secrets. Run it on a computer without a network. It checks neither the words nor the phrase's checksum: compare
a known address or public key. The arithmetic is plain and its timing tells about the keys: for recovery, not for daily use.
What it computes is written in docs/adr/0002-key-derivation.md.
"""

import base64
import getpass
import hashlib
import hmac
import struct
import sys

HARDENED = 1 << 31


def sha256(data):
    return hashlib.sha256(data).digest()


def hash160(data):
    digest = hashlib.new("ripemd160")
    digest.update(sha256(data))
    return digest.digest()


def base58check(data):
    alphabet = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
    data += sha256(sha256(data))[:4]
    number, text = int.from_bytes(data, "big"), ""
    while number:
        number, digit = divmod(number, 58)
        text = alphabet[digit] + text
    return "1" * (len(data) - len(data.lstrip(b"\0"))) + text


def multiply(number, point, prime):
    """number * point on a curve y^2 = x^3 + b."""

    def add(a, b):
        if a is None or b is None:
            return a or b
        if a[0] == b[0]:
            if (a[1] + b[1]) % prime == 0:
                return None
            slope = 3 * a[0] * a[0] * pow(2 * a[1], -1, prime)
        else:
            slope = (b[1] - a[1]) * pow(b[0] - a[0], -1, prime)
        x = (slope * slope - a[0] - b[0]) % prime
        return x, (slope * (a[0] - x) - a[1]) % prime

    total = None
    while number:
        if number & 1:
            total = add(total, point)
        point, number = add(point, point), number >> 1
    return total


# secp256k1 (SEC 2) and BIP-0032: owner, voting and fee keys.
SECP_PRIME = 2**256 - 2**32 - 977
SECP_ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
SECP_BASE = (
    0x79BE667EF9DCBBAC55A06295CE870B07029BFCDB2DCE28D959F2815B16F81798,
    0x483ADA7726A3C4655DA4FBFC0E1108A8FD17B448A68554199C47D08FFB10D4B8,
)


def secp_public(key):
    x, y = multiply(key, SECP_BASE, SECP_PRIME)
    return bytes([2 + (y & 1)]) + x.to_bytes(32, "big")


def bip32(seed, path):
    node = hmac.new(b"Bitcoin seed", seed, hashlib.sha512).digest()
    key, chain = int.from_bytes(node[:32], "big"), node[32:]
    for index in path:
        parent = b"\0" + key.to_bytes(32, "big") if index >= HARDENED else secp_public(key)
        node = hmac.new(chain, parent + struct.pack(">I", index), hashlib.sha512).digest()
        key, chain = (int.from_bytes(node[:32], "big") + key) % SECP_ORDER, node[32:]
    return key


# BLS12-381 G1 and EIP-2333: operator keys.
BLS_PRIME = 0x1A0111EA397FE69A4B1BA7B6434BACD764774B84F38512BF6730D2A0F6B0F6241EABFFFEB153FFFFB9FEFFFFFFFFAAAB
BLS_ORDER = 0x73EDA753299D7D483339D80809A1D80553BDA402FFFE5BFEFFFFFFFF00000001
BLS_BASE = (
    0x17F1D3A73197D7942695638C4FA9AC0FC3688C4F9774B905A14E3A3F171BAC586C55E83FF97A1AEFFB3AF00ADB22C6BB,
    0x08B3F481E3AAA0F1A09E30ED741D8AE4FCF5E095D5D00AF600DB18CB2C04B3EDD03CC744A2888AE40CAA232946C5E7E1,
)


def hkdf(salt, secret, info, length):
    key, out, block, count = hmac.new(salt, secret, hashlib.sha256).digest(), b"", b"", 0
    while len(out) < length:
        count += 1
        block = hmac.new(key, block + info + bytes([count]), hashlib.sha256).digest()
        out += block
    return out[:length]


def hkdf_mod_r(secret):
    salt, key = b"BLS-SIG-KEYGEN-SALT-", 0
    while key == 0:
        salt = sha256(salt)
        key = int.from_bytes(hkdf(salt, secret + b"\0", b"\0\x30", 48), "big") % BLS_ORDER
    return key


def eip2333(seed, path):
    key = hkdf_mod_r(seed)
    for index in path:
        salt, secret = struct.pack(">I", index), key.to_bytes(32, "big")
        halves = (hkdf(salt, half, b"", 255 * 32) for half in (secret, bytes(255 - byte for byte in secret)))
        chunks = (half[at : at + 32] for half in halves for at in range(0, 255 * 32, 32))
        key = hkdf_mod_r(sha256(b"".join(map(sha256, chunks))))
    return key


def bls_public(key, legacy):
    x, y = multiply(key, BLS_BASE, BLS_PRIME)
    high = y > (BLS_PRIME - 1) // 2
    out = bytearray(x.to_bytes(48, "big"))
    out[0] |= (0x80 if high else 0) if legacy else (0xA0 if high else 0x80)
    return bytes(out).hex()


# Ed25519 (RFC 8032) and SLIP-0010: platform keys.
ED_PRIME = 2**255 - 19
ED_D = -121665 * pow(121666, -1, ED_PRIME) % ED_PRIME
ED_BASE = (
    15112221349535400772501151409588531511454012693041857206046113283949847762202,
    46316835694926478169428394003475163141307993866256225615783033603165251855960,
)


def ed25519_public(seed):
    def add(a, b):
        both = ED_D * a[0] * b[0] * a[1] * b[1]
        x = (a[0] * b[1] + a[1] * b[0]) * pow(1 + both, -1, ED_PRIME)
        y = (a[1] * b[1] + a[0] * b[0]) * pow(1 - both, -1, ED_PRIME)
        return x % ED_PRIME, y % ED_PRIME

    number = int.from_bytes(hashlib.sha512(seed).digest()[:32], "little")
    number = number & (2**254 - 8) | 2**254
    total, point = (0, 1), ED_BASE
    while number:
        if number & 1:
            total = add(total, point)
        point, number = add(point, point), number >> 1
    return (total[1] | (total[0] & 1) << 255).to_bytes(32, "little")


def slip10(seed, path):
    node = hmac.new(b"ed25519 seed", seed, hashlib.sha512).digest()
    for index in path:
        data = b"\0" + node[:32] + struct.pack(">I", index | HARDENED)
        node = hmac.new(node[32:], data, hashlib.sha512).digest()
    return node[:32]


def main():
    coin, address, wif, count = (list(map(int, sys.argv[1:])) + [5, 76, 204, 2][len(sys.argv) - 1 :])[:4]
    words = " ".join(getpass.getpass("recovery phrase: ").lower().split())
    seed = hashlib.pbkdf2_hmac("sha512", words.encode(), b"mnemonic", 2048)

    def secp(name, path):
        key = bip32(seed, path)
        shown = base58check(bytes([address]) + hash160(secp_public(key)))
        print(name, shown, base58check(bytes([wif]) + key.to_bytes(32, "big") + b"\1"))

    feature = [9 | HARDENED, coin | HARDENED, 3 | HARDENED]
    for index in range(count):
        secp(f"owner {index}", feature + [2 | HARDENED, index])
        secp(f"voting {index}", feature + [1 | HARDENED, index])
        key = eip2333(seed, [9, coin, 3, 3, index])
        print(f"operator {index}", bls_public(key, False), f"{key:064x}", "legacy", bls_public(key, True))
        key = slip10(seed, [9, coin, 3, 4, index])
        public = ed25519_public(key)
        print(f"platform {index}", sha256(public)[:20].hex(), base64.b64encode(key + public).decode())
        secp(f"fee {index}", [44 | HARDENED, coin | HARDENED, HARDENED, 0, index])


if __name__ == "__main__":
    main()
