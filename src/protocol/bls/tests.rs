//! The vectors of `tests/data/bls` (its README says where they come from) and what holds for any key.

use std::collections::HashSet;
use std::convert::Infallible;

use bitcoin::hex::FromHex;
use bls12_381::hash_to_curve::{ExpandMessage, ExpandMsgXmd, HashToField};
use proptest::collection::vec;
use proptest::prelude::*;
use sha2::Sha256;

use super::*;

#[derive(Deserialize)]
struct Vectors {
    order_r: String,
    field_p: String,
    sqrt_minus_3: String,
    half_sqrt_minus_3_minus_1: String,
    keys: Vec<KeyCase>,
    hash_to_g2: Vec<HashCase>,
    legacy_sw_encode_direct: Vec<MapCase>,
    pubkey_encodings: Vec<EncodingCase>,
    signature_encodings: Vec<EncodingCase>,
    secret_encodings: Vec<SecretCase>,
    verify_cases: Vec<VerifyCase>,
    onchain: Vec<ChainCase>,
}

#[derive(Deserialize)]
struct KeyCase {
    name: String,
    sk: String,
    pk_legacy: String,
    pk_basic: String,
    sigs: Vec<SignatureCase>,
}

#[derive(Deserialize)]
struct SignatureCase {
    hash: String,
    sig_legacy: String,
    sig_basic: String,
    legacy_point_in_basic_encoding: String,
    basic_point_in_legacy_encoding: String,
}

#[derive(Deserialize)]
struct HashCase {
    hash: String,
    t0_c0_hash64: String,
    t0_c1_hash64: String,
    t1_c0_hash64: String,
    t1_c1_hash64: String,
    t0_c0: String,
    t0_c1: String,
    t1_c0: String,
    t1_c1: String,
    p0: PointCase,
    p1: PointCase,
    sum: PointCase,
    legacy_hash_point: PointCase,
    basic_hash_point: String,
    basic_uniform_bytes: String,
    basic_u0_c0: String,
    basic_u0_c1: String,
    basic_u1_c0: String,
    basic_u1_c1: String,
}

#[derive(Deserialize)]
struct PointCase {
    x_c0: String,
    x_c1: String,
    y_c0: String,
    y_c1: String,
    legacy: String,
    basic: String,
    branch: Option<usize>,
}

#[derive(Deserialize)]
struct MapCase {
    name: String,
    t_c0: String,
    t_c1: String,
    point: MapPoint,
    branch: i8,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum MapPoint {
    Infinity { infinity: bool },
    Finite(PointCase),
}

#[derive(Deserialize)]
struct EncodingCase {
    name: String,
    hex: String,
    legacy: Verdict,
    basic: Verdict,
}

#[derive(Deserialize)]
struct Verdict {
    strict: Strict,
    reserialized: Option<String>,
}

#[derive(Deserialize, PartialEq)]
#[serde(rename_all = "lowercase")]
enum Strict {
    Accept,
    Reject,
}

#[derive(Deserialize)]
struct SecretCase {
    name: String,
    hex: String,
    pk_basic: Option<String>,
    strict: Strict,
}

#[derive(Deserialize)]
struct VerifyCase {
    name: String,
    scheme: Scheme,
    pk: String,
    hash: String,
    sig: String,
    valid: bool,
}

#[derive(Deserialize)]
struct ChainCase {
    txid: String,
    pk: String,
    pk_encoding: Scheme,
    payload_hash: String,
    sig: String,
    sig_encoding: Scheme,
    scheme: Scheme,
    valid: bool,
}

#[derive(Deserialize)]
struct SecondSource {
    known_answers: Vec<KnownAnswer>,
    rpc_help_pair: EncodingPair,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct KnownAnswer {
    secret: String,
    message: String,
    pk_legacy: String,
    pk_basic: String,
    #[serde(rename = "sigLegacyScheme_legacyEncoding")]
    legacy_in_legacy: String,
    #[serde(rename = "sigLegacyScheme_basicEncoding")]
    legacy_in_basic: String,
    #[serde(rename = "sigBasicScheme_basicEncoding")]
    basic_in_basic: String,
    #[serde(rename = "sigBasicScheme_legacyEncoding")]
    basic_in_legacy: String,
}

#[derive(Deserialize)]
struct EncodingPair {
    legacy: String,
    basic: String,
}

const SCHEMES: [Scheme; 2] = [Scheme::Legacy, Scheme::Basic];

fn vectors() -> Vectors {
    serde_json::from_str(include_str!("../../../tests/data/bls/bls.json")).unwrap()
}

fn second_source() -> SecondSource {
    serde_json::from_str(include_str!("../../../tests/data/bls/second_source.json")).unwrap()
}

fn bytes(hex: &str) -> Vec<u8> {
    Vec::from_hex(hex).unwrap()
}

fn array<const N: usize>(hex: &str) -> [u8; N] {
    bytes(hex).try_into().unwrap()
}

fn other(scheme: Scheme) -> Scheme {
    match scheme {
        Scheme::Legacy => Scheme::Basic,
        Scheme::Basic => Scheme::Legacy,
    }
}

fn fp(hex: &str) -> Fp {
    Fp::from_bytes(&array(hex)).unwrap()
}

fn fp2(c0: &str, c1: &str) -> Fp2 {
    Fp2 { c0: fp(c0), c1: fp(c1) }
}

fn signature(scheme: Scheme, hex: &str) -> Signature {
    Signature::decode(scheme, &bytes(hex)).unwrap()
}

/// Compares all the ways a point is written in the vectors; it need not be in the subgroup.
fn assert_point(point: G2Projective, expected: &PointCase, what: &str) {
    let affine = G2Affine::from(point);
    let uncompressed = [&expected.x_c1, &expected.x_c0, &expected.y_c1, &expected.y_c0]
        .map(String::as_str)
        .concat();
    assert_eq!(affine.to_uncompressed().to_lower_hex_string(), uncompressed, "{what}");
    assert_eq!(affine.to_compressed().to_lower_hex_string(), expected.basic, "{what}");
    assert_eq!(
        legacy::g2_from_basic(&affine.to_compressed()).to_lower_hex_string(),
        expected.legacy,
        "{what}"
    );
    assert_eq!(
        legacy::g2_to_basic(&array(&expected.legacy)).unwrap(),
        affine.to_compressed(),
        "{what}"
    );
}

/// The candidate, counted from 1, that became the point.
fn branch(t: Fp2, point: G2Projective) -> usize {
    let bytes = G2Affine::from(point).to_uncompressed();
    let x = Fp2 {
        c0: Fp::from_bytes(bytes[48..96].try_into().unwrap()).unwrap(),
        c1: Fp::from_bytes(bytes[..48].try_into().unwrap()).unwrap(),
    };
    1 + legacy::candidates(t)
        .iter()
        .position(|&candidate| candidate == x)
        .unwrap()
}

fn key_of(seed: &[u8; 48]) -> SecretKey {
    SecretKey::from_wide_mod_r(seed).unwrap()
}

#[test]
fn the_vectors_are_all_there() {
    let vectors = vectors();
    assert_eq!(vectors.keys.len(), 10);
    assert_eq!(vectors.keys.iter().map(|case| case.sigs.len()).sum::<usize>(), 40);
    assert_eq!(vectors.hash_to_g2.len(), 40);
    assert_eq!(vectors.legacy_sw_encode_direct.len(), 7);
    assert_eq!(vectors.pubkey_encodings.len(), 24);
    assert_eq!(vectors.signature_encodings.len(), 39);
    assert_eq!(vectors.secret_encodings.len(), 8);
    assert_eq!(vectors.verify_cases.len(), 8);
    assert_eq!(vectors.onchain.len(), 4);
    assert_eq!(second_source().known_answers.len(), 5);
}

#[test]
fn a_secret_gives_its_public_key_in_both_encodings() {
    for case in vectors().keys {
        let secret = SecretKey::from_hex(&case.sk).unwrap();
        let public = secret.public_key();
        assert_eq!(public.to_hex(Scheme::Legacy), case.pk_legacy, "{}", case.name);
        assert_eq!(public.to_hex(Scheme::Basic), case.pk_basic, "{}", case.name);
        assert_eq!(
            PublicKey::from_hex(Scheme::Legacy, &case.pk_legacy).unwrap(),
            public,
            "{}",
            case.name
        );
        assert_eq!(
            PublicKey::from_hex(Scheme::Basic, &case.pk_basic).unwrap(),
            public,
            "{}",
            case.name
        );
        assert_eq!(*secret.to_hex(), case.sk);
    }
}

#[test]
fn signatures_are_those_of_dash_core() {
    for case in vectors().keys {
        let secret = SecretKey::from_hex(&case.sk).unwrap();
        for sig in case.sigs {
            let digest = array(&sig.hash);
            let legacy = secret.sign(Scheme::Legacy, &digest);
            let basic = secret.sign(Scheme::Basic, &digest);
            assert_eq!(
                legacy.encode(Scheme::Legacy).to_lower_hex_string(),
                sig.sig_legacy,
                "{} {}",
                case.name,
                sig.hash
            );
            assert_eq!(
                basic.encode(Scheme::Basic).to_lower_hex_string(),
                sig.sig_basic,
                "{} {}",
                case.name,
                sig.hash
            );
        }
    }
}

#[test]
fn a_signature_verifies_in_its_scheme_only_whatever_it_is_written_in() {
    for case in vectors().keys {
        let public = PublicKey::from_hex(Scheme::Basic, &case.pk_basic).unwrap();
        for sig in case.sigs {
            let digest = array(&sig.hash);
            let legacy = signature(Scheme::Legacy, &sig.sig_legacy);
            let basic = signature(Scheme::Basic, &sig.sig_basic);
            assert_eq!(signature(Scheme::Basic, &sig.legacy_point_in_basic_encoding), legacy);
            assert_eq!(signature(Scheme::Legacy, &sig.basic_point_in_legacy_encoding), basic);
            assert!(
                public.verify(Scheme::Legacy, &digest, &legacy),
                "{} {}",
                case.name,
                sig.hash
            );
            assert!(
                public.verify(Scheme::Basic, &digest, &basic),
                "{} {}",
                case.name,
                sig.hash
            );
            assert!(
                !public.verify(Scheme::Basic, &digest, &legacy),
                "{} {}",
                case.name,
                sig.hash
            );
            assert!(
                !public.verify(Scheme::Legacy, &digest, &basic),
                "{} {}",
                case.name,
                sig.hash
            );
        }
    }
}

#[test]
fn a_signature_is_written_in_either_encoding() {
    for sig in vectors().keys.into_iter().flat_map(|case| case.sigs) {
        let legacy = signature(Scheme::Legacy, &sig.sig_legacy);
        let basic = signature(Scheme::Basic, &sig.sig_basic);
        assert_eq!(
            legacy.encode(Scheme::Basic).to_lower_hex_string(),
            sig.legacy_point_in_basic_encoding
        );
        assert_eq!(legacy.encode(Scheme::Legacy).to_lower_hex_string(), sig.sig_legacy);
        assert_eq!(
            basic.encode(Scheme::Legacy).to_lower_hex_string(),
            sig.basic_point_in_legacy_encoding
        );
        assert_eq!(basic.encode(Scheme::Basic).to_lower_hex_string(), sig.sig_basic);
    }
}

#[test]
fn the_second_source_agrees() {
    let SecondSource {
        known_answers,
        rpc_help_pair,
    } = second_source();
    for answer in known_answers {
        let secret = SecretKey::from_hex(&answer.secret).unwrap();
        let digest = array(&answer.message);
        assert_eq!(secret.public_key().to_hex(Scheme::Legacy), answer.pk_legacy);
        assert_eq!(secret.public_key().to_hex(Scheme::Basic), answer.pk_basic);
        let (legacy, basic) = (
            secret.sign(Scheme::Legacy, &digest),
            secret.sign(Scheme::Basic, &digest),
        );
        assert_eq!(
            legacy.encode(Scheme::Legacy).to_lower_hex_string(),
            answer.legacy_in_legacy
        );
        assert_eq!(
            legacy.encode(Scheme::Basic).to_lower_hex_string(),
            answer.legacy_in_basic
        );
        assert_eq!(
            basic.encode(Scheme::Legacy).to_lower_hex_string(),
            answer.basic_in_legacy
        );
        assert_eq!(basic.encode(Scheme::Basic).to_lower_hex_string(), answer.basic_in_basic);
    }
    let EncodingPair { legacy, basic } = rpc_help_pair;
    let key = PublicKey::from_hex(Scheme::Legacy, &legacy).unwrap();
    assert_eq!(key, PublicKey::from_hex(Scheme::Basic, &basic).unwrap());
    assert_eq!((key.to_hex(Scheme::Legacy), key.to_hex(Scheme::Basic)), (legacy, basic));
}

#[test]
fn the_constants_of_the_legacy_map_are_the_roots_relic_takes() {
    let vectors = vectors();
    assert_eq!(legacy::SQRT_MINUS_3.to_lower_hex_string(), vectors.sqrt_minus_3);
    assert_eq!(
        legacy::HALF_SQRT_MINUS_3_MINUS_1.to_lower_hex_string(),
        vectors.half_sqrt_minus_3_minus_1
    );
    let root = Fp::from_bytes(&legacy::SQRT_MINUS_3).unwrap();
    let half = Fp::from_bytes(&legacy::HALF_SQRT_MINUS_3_MINUS_1).unwrap();
    let one = Fp::one();
    assert_eq!(root * root, -(one + one + one));
    assert_eq!(half + half + one, root);
}

#[test]
fn the_legacy_hash_goes_through_relics_intermediates() {
    let mut branches = HashSet::new();
    for case in vectors().hash_to_g2 {
        let digest = array(&case.hash);
        for (tag, expected) in [
            ("G2_0_c0", &case.t0_c0_hash64),
            ("G2_0_c1", &case.t0_c1_hash64),
            ("G2_1_c0", &case.t1_c0_hash64),
            ("G2_1_c1", &case.t1_c1_hash64),
        ] {
            assert_eq!(
                legacy::expand(&digest, tag).to_lower_hex_string(),
                *expected,
                "{tag} of {}",
                case.hash
            );
        }
        let t0 = legacy::field_element(&digest, ["G2_0_c0", "G2_0_c1"]);
        let t1 = legacy::field_element(&digest, ["G2_1_c0", "G2_1_c1"]);
        assert_eq!(t0, fp2(&case.t0_c0, &case.t0_c1), "t0 of {}", case.hash);
        assert_eq!(t1, fp2(&case.t1_c0, &case.t1_c1), "t1 of {}", case.hash);
        let (p0, p1) = (legacy::map_to_curve(t0), legacy::map_to_curve(t1));
        assert_point(p0, &case.p0, &format!("p0 of {}", case.hash));
        assert_point(p1, &case.p1, &format!("p1 of {}", case.hash));
        assert_eq!(
            (Some(branch(t0, p0)), Some(branch(t1, p1))),
            (case.p0.branch, case.p1.branch),
            "{}",
            case.hash
        );
        branches.extend([branch(t0, p0), branch(t1, p1)]);
        assert_point(p0 + p1, &case.sum, &format!("sum of {}", case.hash));
        assert_point(
            legacy::hash_to_g2(&digest),
            &case.legacy_hash_point,
            &format!("hash of {}", case.hash),
        );
    }
    assert_eq!(branches, HashSet::from([1, 2, 3]));
}

#[test]
fn the_legacy_map_treats_its_edge_cases_as_relic_does() {
    for case in vectors().legacy_sw_encode_direct {
        let t = fp2(&case.t_c0, &case.t_c1);
        let point = legacy::map_to_curve(t);
        match &case.point {
            MapPoint::Infinity { infinity } => {
                assert!(*infinity && bool::from(point.is_identity()), "{}", case.name);
                assert_eq!(case.branch, -1, "{}", case.name);
            }
            MapPoint::Finite(expected) => {
                assert_point(point, expected, &case.name);
                assert_eq!(branch(t, point), usize::try_from(case.branch).unwrap(), "{}", case.name);
            }
        }
    }
}

#[test]
fn the_basic_hash_goes_through_the_intermediates_of_rfc_9380() {
    type Xmd = ExpandMsgXmd<Sha256>;
    for case in vectors().hash_to_g2 {
        let digest: [u8; 32] = array(&case.hash);
        type SecurityBytes = <Fp2 as HashToField>::XofOutputLength;
        let uniform = Xmd::init_expand::<_, SecurityBytes>([&digest], basic::DST, 256).into_vec();
        assert_eq!(uniform.to_lower_hex_string(), case.basic_uniform_bytes, "{}", case.hash);
        let mut u = [Fp2::default(); 2];
        Fp2::hash_to_field::<Xmd, _>([&digest], basic::DST, &mut u);
        let expected = [
            fp2(&case.basic_u0_c0, &case.basic_u0_c1),
            fp2(&case.basic_u1_c0, &case.basic_u1_c1),
        ];
        assert_eq!(u, expected, "{}", case.hash);
        let point = G2Affine::from(basic::hash_to_g2(&digest));
        assert_eq!(
            point.to_compressed().to_lower_hex_string(),
            case.basic_hash_point,
            "{}",
            case.hash
        );
    }
    assert_eq!(basic::DST.len(), 43);
}

#[test]
fn public_keys_are_accepted_strictly() {
    for case in vectors().pubkey_encodings {
        for (scheme, verdict) in [(Scheme::Legacy, &case.legacy), (Scheme::Basic, &case.basic)] {
            let decoded = PublicKey::from_hex(scheme, &case.hex);
            assert_eq!(
                decoded.is_ok(),
                verdict.strict == Strict::Accept,
                "{} as {scheme}: {decoded:?}",
                case.name
            );
            assert_eq!(
                decoded.is_ok(),
                PublicKey::decode(scheme, &bytes(&case.hex)).is_ok(),
                "{}",
                case.name
            );
            if let Ok(key) = decoded {
                assert_eq!(
                    Some(key.to_hex(scheme)),
                    verdict.reserialized,
                    "{} as {scheme}",
                    case.name
                );
                assert_eq!(key.to_hex(scheme), case.hex, "{} as {scheme}", case.name);
            }
        }
    }
}

#[test]
fn signatures_are_accepted_strictly() {
    for case in vectors().signature_encodings {
        for (scheme, verdict) in [(Scheme::Legacy, &case.legacy), (Scheme::Basic, &case.basic)] {
            let decoded = Signature::decode(scheme, &bytes(&case.hex));
            assert_eq!(
                decoded.is_ok(),
                verdict.strict == Strict::Accept,
                "{} as {scheme}: {decoded:?}",
                case.name
            );
            if let Ok(signature) = decoded {
                let encoded = signature.encode(scheme).to_lower_hex_string();
                assert_eq!(
                    Some(&encoded),
                    verdict.reserialized.as_ref(),
                    "{} as {scheme}",
                    case.name
                );
                assert_eq!(encoded, case.hex, "{} as {scheme}", case.name);
            }
        }
    }
}

#[test]
fn secrets_are_accepted_strictly() {
    for case in vectors().secret_encodings {
        let secret = SecretKey::from_hex(&case.hex);
        assert_eq!(
            secret.is_ok(),
            case.strict == Strict::Accept,
            "{}: {secret:?}",
            case.name
        );
        if let Ok(secret) = secret {
            assert_eq!(
                Some(secret.public_key().to_hex(Scheme::Basic)),
                case.pk_basic,
                "{}",
                case.name
            );
            assert_eq!(*secret.to_hex(), case.hex);
        }
    }
}

#[test]
fn right_signatures_verify_and_wrong_ones_do_not() {
    for case in vectors().verify_cases {
        let key = PublicKey::from_hex(case.scheme, &case.pk).unwrap();
        // Infinity is refused before there is anything to verify.
        let valid = Signature::decode(case.scheme, &bytes(&case.sig))
            .is_ok_and(|signature| key.verify(case.scheme, &array(&case.hash), &signature));
        assert_eq!(valid, case.valid, "{} in {}", case.name, case.scheme);
    }
}

#[test]
fn signatures_of_the_real_chain_verify_in_their_scheme_only() {
    for case in vectors().onchain {
        let key = PublicKey::from_hex(case.pk_encoding, &case.pk).unwrap();
        let signature = signature(case.sig_encoding, &case.sig);
        let digest = array(&case.payload_hash);
        assert_eq!(
            key.verify(case.scheme, &digest, &signature),
            case.valid,
            "{}",
            case.txid
        );
        assert!(!key.verify(other(case.scheme), &digest, &signature), "{}", case.txid);
    }
}

#[test]
fn infinity_key_and_infinity_signature_are_refused_as_they_would_verify() {
    let (key, signature) = (PublicKey(G1Affine::identity()), Signature(G2Affine::identity()));
    assert!(
        SCHEMES
            .iter()
            .all(|&scheme| key.verify(scheme, &[0x42; 32], &signature))
    );
    let infinity = |length: usize| [vec![0xc0], vec![0; length - 1]].concat();
    for scheme in SCHEMES {
        assert_eq!(PublicKey::decode(scheme, &infinity(48)), Err(BlsError::Infinity));
        assert_eq!(Signature::decode(scheme, &infinity(96)), Err(BlsError::Infinity));
    }
}

#[test]
fn zero_bytes_are_no_key_rather_than_a_bad_one() {
    for scheme in SCHEMES {
        assert_eq!(PublicKey::decode(scheme, &[0; 48]), Err(BlsError::Null));
        assert_eq!(Signature::decode(scheme, &[0; 96]), Err(BlsError::Null));
    }
    assert_eq!(
        PublicKey::readings(&[0; 48]),
        Readings::Neither {
            legacy: BlsError::Null,
            basic: BlsError::Null
        }
    );
}

#[test]
fn a_refusal_says_what_is_wrong() {
    let Vectors {
        field_p,
        pubkey_encodings,
        signature_encodings,
        ..
    } = vectors();
    let encoding = |cases: &[EncodingCase], name: &str| {
        bytes(
            &cases
                .iter()
                .find(|case| case.name == name)
                .expect("the vectors have the case")
                .hex,
        )
    };
    let key = |name: &str| encoding(&pubkey_encodings, name);
    let sig = |name: &str| encoding(&signature_encodings, name);

    let header = |scheme, byte| BlsError::Flags {
        scheme,
        position: 0,
        byte,
    };
    let good = key("generator_basic");
    let flagged = |byte: u8| [&[byte], &good[1..]].concat();
    assert_eq!(
        PublicKey::decode(Scheme::Basic, &flagged(0x17)),
        Err(header(Scheme::Basic, 0x17))
    );
    assert_eq!(
        PublicKey::decode(Scheme::Basic, &flagged(0xd7)),
        Err(header(Scheme::Basic, 0xd7))
    );
    assert_eq!(
        PublicKey::decode(Scheme::Legacy, &flagged(0xb7)),
        Err(header(Scheme::Legacy, 0xb7))
    );
    assert_eq!(
        PublicKey::decode(Scheme::Legacy, &flagged(0x57)),
        Err(header(Scheme::Legacy, 0x57))
    );

    assert_eq!(
        PublicKey::decode(Scheme::Legacy, &bytes(&field_p)),
        Err(BlsError::CoordinateTooLarge)
    );
    assert_eq!(
        PublicKey::decode(Scheme::Basic, &key("x_equals_p_header_a0")),
        Err(BlsError::CoordinateTooLarge)
    );
    assert_eq!(
        PublicKey::decode(Scheme::Basic, &key("not_on_curve_header_a0")),
        Err(BlsError::NotOnCurve)
    );
    assert_eq!(
        PublicKey::decode(Scheme::Legacy, &key("not_on_curve_header_00")),
        Err(BlsError::NotOnCurve)
    );
    let stray = key("on_curve_not_in_subgroup_header_80");
    assert_eq!(PublicKey::decode(Scheme::Basic, &stray), Err(BlsError::NotInSubgroup));
    assert_eq!(PublicKey::decode(Scheme::Legacy, &stray), Err(BlsError::NotInSubgroup));

    let stray = sig("on_curve_not_in_subgroup_basic_order_header_80");
    assert_eq!(Signature::decode(Scheme::Basic, &stray), Err(BlsError::NotInSubgroup));
    let stray = sig("on_curve_not_in_subgroup_legacy_order_header_80");
    assert_eq!(Signature::decode(Scheme::Legacy, &stray), Err(BlsError::NotInSubgroup));
    let large = sig("c1_equals_p_basic_order_header_80");
    assert_eq!(
        Signature::decode(Scheme::Basic, &large),
        Err(BlsError::CoordinateTooLarge)
    );
    let large = sig("c1_equals_p_legacy_order_header_80");
    assert_eq!(
        Signature::decode(Scheme::Legacy, &large),
        Err(BlsError::CoordinateTooLarge)
    );
    let second = sig("y_low_sig_basic_form_byte48_40");
    let expected = BlsError::Flags {
        scheme: Scheme::Basic,
        position: 48,
        byte: second[48],
    };
    assert_eq!(Signature::decode(Scheme::Basic, &second), Err(expected));
    let mut second = sig("y_low_sig_basic_header_but_legacy_half_order");
    second[48] |= 0x20;
    let expected = BlsError::Flags {
        scheme: Scheme::Legacy,
        position: 48,
        byte: second[48],
    };
    assert_eq!(Signature::decode(Scheme::Legacy, &second), Err(expected));

    let length = |expected, actual| BlsError::Length { expected, actual };
    assert_eq!(PublicKey::decode(Scheme::Basic, &good[..47]), Err(length(48, 47)));
    assert_eq!(PublicKey::decode(Scheme::Basic, &[]), Err(length(48, 0)));
    assert_eq!(Signature::decode(Scheme::Legacy, &good), Err(length(96, 48)));
}

#[test]
fn text_that_is_not_hex_is_refused_where_it_goes_wrong() {
    let digits = vectors().keys[1].pk_basic.clone();
    let parse = |text: &str| PublicKey::from_hex(Scheme::Basic, text);
    assert_eq!(
        parse(""),
        Err(BlsError::HexLength {
            expected: 96,
            actual: 0
        })
    );
    assert_eq!(
        parse(&digits[1..]),
        Err(BlsError::HexLength {
            expected: 96,
            actual: 95
        })
    );
    assert_eq!(
        parse(&format!("{digits} ")),
        Err(BlsError::HexLength {
            expected: 96,
            actual: 97
        })
    );
    assert_eq!(
        parse(&format!("{}g{}", &digits[..10], &digits[11..])),
        Err(BlsError::NotHex { position: 10 })
    );
    // Two bytes of UTF-8, so the length is right.
    assert_eq!(
        parse(&format!("{}é", &digits[..94])),
        Err(BlsError::NotHex { position: 94 })
    );
    assert_eq!(
        parse(&format!("+{}", &digits[1..])),
        Err(BlsError::NotHex { position: 0 })
    );
    assert_eq!(parse(&digits.to_uppercase()), parse(&digits));
    assert!(parse(&digits).is_ok());
}

#[test]
fn secrets_out_of_range_are_told_apart() {
    let from_bytes = |bytes: [u8; 32]| SecretKey::from_bytes(&bytes).map(|key| *key.to_bytes());
    let order = array(&vectors().order_r);
    let mut below = order;
    below[31] -= 1;
    assert_eq!(from_bytes([0; 32]), Err(BlsError::SecretZero));
    assert_eq!(from_bytes(order), Err(BlsError::SecretTooLarge));
    assert_eq!(from_bytes([0xff; 32]), Err(BlsError::SecretTooLarge));
    assert_eq!(from_bytes(below), Ok(below));
}

#[test]
fn wide_bytes_are_reduced_by_the_group_order() {
    let order: [u8; 32] = array(&vectors().order_r);
    let wide = |low: [u8; 32]| [[0; 16].as_slice(), &low].concat().try_into().unwrap();
    let reduced = |okm: [u8; 48]| SecretKey::from_wide_mod_r(&okm).map(|key| *key.to_bytes());
    let mut one = [0; 32];
    one[31] = 1;
    let mut above = order;
    above[31] += 1;
    assert_eq!(reduced([0; 48]), None);
    assert_eq!(reduced(wide(order)), None);
    assert_eq!(reduced(wide(above)), Some(one));
    assert_eq!(reduced(wide(one)), Some(one));
    // 2^384 - 1 modulo r, worked out with big integers.
    let expected = array("2dbeaf1fd4843acb7abbe5687369510a9277efb8ac0a600dcf2ab21bf81f712c");
    assert_eq!(reduced([0xff; 48]), Some(expected));
}

#[test]
fn generation_discards_draws_until_one_is_in_range() {
    let mut draws = [[0; 32], [0xff; 32], [0x70; 32], [0x60; 32]].into_iter();
    let key = SecretKey::generate::<Infallible>(|draw| {
        *draw = draws.next().expect("the third draw is taken");
        Ok(())
    });
    assert_eq!(*key.unwrap().to_bytes(), [0x70; 32]);
    assert_eq!(draws.len(), 1);
}

#[test]
fn generation_gives_up_on_a_source_that_never_fills() {
    let mut draws = 0;
    let failure = SecretKey::generate::<Infallible>(|_| {
        draws += 1;
        Ok(())
    });
    assert_eq!(failure.unwrap_err(), GenerateError::Exhausted { draws: 128 });
    assert_eq!(draws, 128);
}

#[test]
fn generation_passes_on_the_failure_of_its_source() {
    let failure = SecretKey::generate(|_| Err(BlsError::Null)).unwrap_err();
    assert_eq!(failure, GenerateError::Source(BlsError::Null));
    assert_eq!(failure.to_string(), "the random source failed: all bytes are zero");
}

#[test]
fn a_secret_prints_nothing_of_itself() {
    let secret = key_of(&[0x5a; 48]);
    assert_eq!(format!("{secret:?}"), "SecretKey(..)");
    assert_eq!(format!("{:#?}", Some(&secret)), "Some(\n    SecretKey(..),\n)");
    assert_eq!(*secret.clone().to_bytes(), *secret.to_bytes());
}

#[test]
fn every_first_digit_has_the_readings_it_can_have() {
    let mut ambiguous = 0;
    for seed in 1..=64 {
        let key = key_of(&[seed; 48]).public_key();
        for scheme in SCHEMES {
            let bytes = key.encode(scheme);
            match (bytes[0], PublicKey::readings(&bytes)) {
                (
                    0x00..=0x1a,
                    Readings::One {
                        scheme: Scheme::Legacy,
                        key: read,
                    },
                ) => assert_eq!(read, key),
                (
                    0xa0..=0xba,
                    Readings::One {
                        scheme: Scheme::Basic,
                        key: read,
                    },
                ) => assert_eq!(read, key),
                (0x80..=0x9a, Readings::Both { legacy, basic }) => {
                    ambiguous += 1;
                    assert_eq!(if scheme == Scheme::Legacy { legacy } else { basic }, key);
                    assert_eq!(legacy.0, -basic.0);
                }
                (first, readings) => panic!("{first:#x}: {readings:?}"),
            }
        }
    }
    // About half of all keys, whichever way they are written.
    assert!((32..96).contains(&ambiguous), "{ambiguous} of 128");
}

#[test]
fn equal_points_are_equal_keys_whatever_they_were_read_from() {
    let case = &vectors().keys[4];
    let legacy = PublicKey::from_hex(Scheme::Legacy, &case.pk_legacy).unwrap();
    let basic = PublicKey::from_hex(Scheme::Basic, &case.pk_basic).unwrap();
    assert_ne!(
        case.pk_legacy, case.pk_basic,
        "the case is one where the encodings differ"
    );
    assert_eq!(HashSet::from([legacy, basic]).len(), 1);
    assert_eq!(format!("{legacy:?}"), format!("PublicKey(basic {})", case.pk_basic));
}

#[test]
fn schemes_have_one_spelling() {
    for (scheme, name) in [(Scheme::Legacy, "legacy"), (Scheme::Basic, "basic")] {
        assert_eq!(scheme.to_string(), name);
        assert_eq!(name.parse(), Ok(scheme));
        assert_eq!(serde_json::to_string(&scheme).unwrap(), format!("{name:?}"));
        assert_eq!(serde_json::from_str::<Scheme>(&format!("{name:?}")).unwrap(), scheme);
    }
    for text in ["", "Basic", "bls", "legacy "] {
        assert_eq!(
            text.parse::<Scheme>(),
            Err(BlsError::UnknownScheme { text: text.to_owned() })
        );
    }
}

fn any_scheme() -> impl Strategy<Value = Scheme> {
    prop_oneof![Just(Scheme::Legacy), Just(Scheme::Basic)]
}

fn any_key() -> impl Strategy<Value = SecretKey> {
    any::<[u8; 32]>().prop_filter_map("zero is no key", |low| {
        let mut okm = [0x11; 48];
        okm[16..].copy_from_slice(&low);
        SecretKey::from_wide_mod_r(&okm)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn decoding_any_bytes_never_panics(
        bytes in prop_oneof![vec(any::<u8>(), 0..128), vec(any::<u8>(), 48), vec(any::<u8>(), 96)],
        scheme in any_scheme(),
    ) {
        let _ = PublicKey::decode(scheme, &bytes);
        let _ = Signature::decode(scheme, &bytes);
    }

    #[test]
    fn decoding_any_text_never_panics(text in ".{0,100}", scheme in any_scheme()) {
        let _ = SecretKey::from_hex(&text);
        let _ = PublicKey::from_hex(scheme, &text);
        let _ = text.parse::<Scheme>();
    }

    #[test]
    fn legacy_headers_come_back_from_basic(mut g1 in any::<[u8; 48]>(), mut g2 in any::<[u8; 96]>()) {
        g1[0] &= 0x9f;
        g2[0] &= 0x9f;
        g2[48] &= 0x1f;
        prop_assert_eq!(legacy::g1_from_basic(&legacy::g1_to_basic(&g1).unwrap()), g1);
        prop_assert_eq!(legacy::g2_from_basic(&legacy::g2_to_basic(&g2).unwrap()), g2);
    }

    #[test]
    fn secret_bytes_come_back(bytes in any::<[u8; 32]>()) {
        let order: [u8; 32] = array("73eda753299d7d483339d80809a1d80553bda402fffe5bfeffffffff00000001");
        match SecretKey::from_bytes(&bytes) {
            Ok(key) => {
                prop_assert!(bytes < order && bytes != [0; 32]);
                prop_assert_eq!(*key.to_bytes(), bytes);
                prop_assert_eq!(*SecretKey::from_hex(&key.to_hex()).unwrap().to_bytes(), bytes);
            }
            Err(error) => {
                prop_assert!(bytes >= order || bytes == [0; 32]);
                prop_assert!(matches!(error, BlsError::SecretZero | BlsError::SecretTooLarge));
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn keys_come_back_from_both_encodings(secret in any_key()) {
        let key = secret.public_key();
        for scheme in SCHEMES {
            prop_assert_eq!(PublicKey::decode(scheme, &key.encode(scheme)), Ok(key));
            prop_assert_eq!(PublicKey::from_hex(scheme, &key.to_hex(scheme)), Ok(key));
        }
    }

    // Random bytes are never in the subgroup; flags that another encoding could have do get through.
    #[test]
    fn what_is_read_under_any_flags_is_written_the_same(
        secret in any_key(),
        written in any_scheme(),
        flags in 0..8u8,
        second_flags in prop_oneof![3 => Just(0), 1 => 0..8u8],
        read in any_scheme(),
    ) {
        let mut bytes = secret.public_key().encode(written);
        bytes[0] = bytes[0] & 0x1f | flags << 5;
        if let Ok(key) = PublicKey::decode(read, &bytes) {
            prop_assert_eq!(key.encode(read), bytes);
        }
        let mut bytes = secret.sign(Scheme::Basic, &[0x42; 32]).encode(written);
        bytes[0] = bytes[0] & 0x1f | flags << 5;
        bytes[48] = bytes[48] & 0x1f | second_flags << 5;
        if let Ok(signature) = Signature::decode(read, &bytes) {
            prop_assert_eq!(signature.encode(read), bytes);
        }
    }

    #[test]
    fn a_changed_bit_never_leaves_the_same_key(secret in any_key(), bit in 0..384usize, scheme in any_scheme()) {
        let key = secret.public_key();
        let mut bytes = key.encode(scheme);
        bytes[bit / 8] ^= 1 << (bit % 8);
        prop_assert_ne!(PublicKey::decode(scheme, &bytes), Ok(key));
    }

    #[test]
    fn what_is_signed_verifies_and_nothing_else_does(
        secret in any_key(),
        stranger in any_key(),
        digest in any::<[u8; 32]>(),
        bit in 0..256usize,
        scheme in any_scheme(),
        encoding in any_scheme(),
    ) {
        let signature = secret.sign(scheme, &digest);
        prop_assert_eq!(Signature::decode(encoding, &signature.encode(encoding)), Ok(signature));
        let key = secret.public_key();
        prop_assert!(key.verify(scheme, &digest, &signature));
        prop_assert!(!key.verify(other(scheme), &digest, &signature));
        let mut changed = digest;
        changed[bit / 8] ^= 1 << (bit % 8);
        prop_assert!(!key.verify(scheme, &changed, &signature));
        prop_assert!(!stranger.public_key().verify(scheme, &digest, &signature));
    }
}
