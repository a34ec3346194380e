#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| castellan_fuzz::targets::payload(bytes));
