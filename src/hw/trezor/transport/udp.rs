//! UDP to a firmware emulator: a datagram is a packet. `PINGPING` is answered with `PONGPONG` by the socket itself, whatever the
//! firmware waits for.

use std::io::{self, ErrorKind};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs, UdpSocket};
use std::time::{Duration, Instant};

use super::{CHUNK, Chunk, Lost, Pipe};
use crate::hw::{DeviceError, Kind};

const PING: &[u8] = b"PINGPING";
const PONG: &[u8] = b"PONGPONG";
/// How long an emulator may take to answer the ping.
const CONNECT: Duration = Duration::from_secs(2);

/// A connection to an emulator.
pub struct Udp {
    socket: UdpSocket,
}

impl Udp {
    /// # Errors
    /// [`DeviceError::NotConnected`]: nobody there answers a ping.
    pub fn connect(address: &str) -> Result<Self, DeviceError> {
        let not_connected = DeviceError::NotConnected { kind: Kind::Trezor };
        let candidates = address.to_socket_addrs().map_err(|_| not_connected.clone())?;
        for candidate in candidates {
            if let Ok(udp) = Self::open(candidate) {
                return Ok(udp);
            }
        }
        Err(not_connected)
    }

    fn open(address: SocketAddr) -> io::Result<Self> {
        let any: SocketAddr = match address {
            SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
            SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
        };
        let socket = UdpSocket::bind(any)?;
        socket.connect(address)?;
        socket.send(PING)?;
        let deadline = Instant::now() + CONNECT;
        let mut answer = [0; CHUNK];
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(ErrorKind::TimedOut.into());
            }
            socket.set_read_timeout(Some(left))?;
            let count = socket.recv(&mut answer)?;
            if &answer[..count] == PONG {
                return Ok(Self { socket });
            }
        }
    }
}

impl Pipe for Udp {
    fn tells_of_unplugging(&self) -> bool {
        false
    }

    fn send(&mut self, chunk: &Chunk) -> Result<(), Lost> {
        self.socket.send(chunk).map(drop).map_err(|_| Lost)
    }

    fn receive(&mut self, wait: Duration) -> Result<Option<Chunk>, Lost> {
        // Zero would mean for ever.
        let wait = wait.max(Duration::from_millis(1));
        self.socket.set_read_timeout(Some(wait)).map_err(|_| Lost)?;
        // Longer ones are cut to more than a packet, and so told apart.
        let mut packet = [0; CHUNK + 1];
        match self.socket.recv(&mut packet) {
            Ok(CHUNK) => {
                let mut chunk = [0; CHUNK];
                chunk.copy_from_slice(&packet[..CHUNK]);
                Ok(Some(chunk))
            }
            // A pong, or no packet at all.
            Ok(_) => Ok(None),
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                // An emulator that has ended is noticed by the refusal of this ping, by the next call.
                self.socket.send(PING).map(|_| None).map_err(|_| Lost)
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => Ok(None),
            Err(_) => Err(Lost),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread;

    #[test]
    fn an_address_where_nobody_answers_is_not_connected() {
        let silent = UdpSocket::bind("127.0.0.1:0").unwrap();
        let refused = UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        for address in [
            silent.local_addr().unwrap().to_string(),
            refused.to_string(),
            "no address".into(),
        ] {
            let started = Instant::now();
            assert_eq!(
                Udp::connect(&address).map(drop),
                Err(DeviceError::NotConnected { kind: Kind::Trezor })
            );
            assert!(started.elapsed() < CONNECT * 2, "a silent listener holds nobody up");
        }
    }

    #[test]
    fn packets_pass_whole_pongs_are_skipped_and_an_end_is_noticed_while_waiting() {
        let peer = UdpSocket::bind("127.0.0.1:0").unwrap();
        let address = peer.local_addr().unwrap().to_string();
        let serving = thread::spawn(move || {
            let mut packet = [0; 100];
            let (count, from) = peer.recv_from(&mut packet).unwrap();
            assert_eq!(&packet[..count], PING);
            peer.send_to(PONG, from).unwrap();
            let (count, _) = peer.recv_from(&mut packet).unwrap();
            assert_eq!(count, CHUNK);
            peer.send_to(PONG, from).unwrap();
            peer.send_to(&[9; CHUNK + 20], from).unwrap();
            peer.send_to(&packet[..CHUNK], from).unwrap();
        });
        let mut udp = Udp::connect(&address).unwrap();
        udp.send(&[7; CHUNK]).unwrap();
        let second = Duration::from_secs(1);
        assert_eq!(udp.receive(second), Ok(None));
        assert_eq!(udp.receive(second), Ok(None));
        assert_eq!(udp.receive(second), Ok(Some([7; CHUNK])));
        serving.join().unwrap();
        let noticed = (0..20).any(|_| udp.receive(Duration::from_millis(20)) == Err(Lost));
        assert!(noticed);
    }
}
