use crate::protocol::network;
use crate::sandbox::{Chain, Setup};

fn chain(name: &str) -> Chain {
    Chain::start(&Setup {
        profile: network::builtin(name).unwrap(),
        seed: 1,
        masternodes: 30,
        device: Vec::new(),
        now: 1_800_000_000,
    })
    .unwrap()
}

#[test]
fn starts() {
    for name in [
        "dash-regtest",
        "wei-regtest",
        "dash",
        "wei",
        "dash-testnet",
        "wei-testnet",
    ] {
        let t = std::time::Instant::now();
        let c = chain(name);
        println!(
            "{name} {:?} {} {} {}",
            t.elapsed(),
            c.height(),
            c.list().len(),
            c.list().valid().count()
        );
    }
}
