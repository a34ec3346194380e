pub mod bls;
