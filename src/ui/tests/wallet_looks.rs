//! How the wallet page looks.
