//! TCP to an emulator: Speculos' APDU port, or this program's own sandbox.
//!
//! Command: `u32 BE length | command`. Answer: `u32 BE length of the data | data | status word`: the length does not
//! count the status word. The end of the stream means that the app has exited.

use std::io::{self, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::Duration;

use super::{Transport, split_status};
use crate::hw::ledger::{bad, gone};
use crate::hw::{DeviceError, Kind};

/// How long an emulator may take to accept.
const CONNECT: Duration = Duration::from_secs(5);
/// More than any answer: they fit into one command's 255 bytes and a little.
const MAX_ANSWER: u32 = 64 * 1024;

/// A connection to an emulator.
pub struct Tcp {
    stream: TcpStream,
}

impl Tcp {
    /// # Errors
    /// [`DeviceError::NotConnected`]: nobody listens there.
    pub fn connect(address: &str) -> Result<Self, DeviceError> {
        let not_connected = |_| DeviceError::NotConnected { kind: Kind::Ledger };
        let mut last = io::Error::from(io::ErrorKind::NotFound);
        for candidate in address.to_socket_addrs().map_err(not_connected)? {
            match TcpStream::connect_timeout(&candidate, CONNECT) {
                Ok(stream) => {
                    // Commands are small and answered one by one: nothing to gather.
                    stream.set_nodelay(true).map_err(not_connected)?;
                    return Ok(Self { stream });
                }
                Err(error) => last = error,
            }
        }
        Err(not_connected(last))
    }

    fn answer(&mut self) -> io::Result<Result<Vec<u8>, DeviceError>> {
        let mut length = [0; 4];
        self.stream.read_exact(&mut length)?;
        let length = u32::from_be_bytes(length);
        if length > MAX_ANSWER {
            return Ok(Err(bad("an answer longer than any")));
        }
        let mut answer = vec![0; length as usize + 2];
        self.stream.read_exact(&mut answer)?;
        Ok(Ok(answer))
    }
}

impl Transport for Tcp {
    fn exchange(&mut self, command: &[u8], limit: Option<Duration>) -> Result<(Vec<u8>, u16), DeviceError> {
        let mut framed = (command.len() as u32).to_be_bytes().to_vec();
        framed.extend_from_slice(command);
        let answer = self
            .stream
            .set_read_timeout(limit)
            .and_then(|()| self.stream.write_all(&framed))
            .and_then(|()| self.answer())
            .map_err(|_| gone())?;
        split_status(answer?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;
    use std::thread::{self, JoinHandle};

    /// A peer that reads one command and answers with these bytes, in two pieces, then closes.
    fn peer(answer: &'static [u8]) -> (Tcp, JoinHandle<Vec<u8>>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let thread = thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut command = vec![0; 9];
            stream.read_exact(&mut command).unwrap();
            let (first, second) = answer.split_at(answer.len() / 2);
            stream.write_all(first).unwrap();
            stream.flush().unwrap();
            thread::sleep(Duration::from_millis(20));
            stream.write_all(second).unwrap();
            command
        });
        (Tcp::connect(&address).unwrap(), thread)
    }

    const COMMAND: [u8; 5] = [0xb0, 1, 0, 0, 0];

    #[test]
    fn the_length_of_a_command_counts_all_and_that_of_an_answer_not_its_status() {
        let (mut tcp, thread) = peer(&[0, 0, 0, 3, 7, 8, 9, 0x90, 0x00]);
        assert_eq!(tcp.exchange(&COMMAND, None), Ok((vec![7, 8, 9], 0x9000)));
        assert_eq!(thread.join().unwrap(), [0, 0, 0, 5, 0xb0, 1, 0, 0, 0]);
    }

    #[test]
    fn the_end_of_the_stream_at_any_byte_means_gone() {
        for cut in [
            &[][..],
            &[0, 0],
            &[0, 0, 0, 3],
            &[0, 0, 0, 3, 7, 8],
            &[0, 0, 0, 3, 7, 8, 9, 0x90],
        ] {
            let (mut tcp, thread) = peer(cut);
            assert_eq!(tcp.exchange(&COMMAND, None), Err(gone()), "{cut:?}");
            thread.join().unwrap();
        }
    }

    #[test]
    fn an_answer_that_claims_gigabytes_is_refused_before_it_is_read() {
        let (mut tcp, thread) = peer(&[0xff, 0xff, 0xff, 0xff, 0, 0]);
        assert!(matches!(
            tcp.exchange(&COMMAND, None),
            Err(DeviceError::BadAnswer { .. })
        ));
        thread.join().unwrap();
    }

    #[test]
    fn silence_ends_where_a_limit_is_set() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut tcp = Tcp::connect(&listener.local_addr().unwrap().to_string()).unwrap();
        assert_eq!(tcp.exchange(&COMMAND, Some(Duration::from_millis(50))), Err(gone()));
    }

    #[test]
    fn an_address_where_nobody_listens_is_not_connected() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        drop(listener);
        for address in [address.as_str(), "no address", "127.0.0.1:99999"] {
            assert_eq!(
                Tcp::connect(address).map(drop),
                Err(DeviceError::NotConnected { kind: Kind::Ledger })
            );
        }
    }
}
