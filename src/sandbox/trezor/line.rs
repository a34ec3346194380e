//! The device's end of the wire: messages from and to whoever sent the last packet.

use std::io;
use std::net::SocketAddr;

use tokio::net::UdpSocket;
use trezor_client::TrezorMessage;

use super::packet::{Assembly, Message, packets};

const PING: &[u8] = b"PINGPING";
const PONG: &[u8] = b"PONGPONG";

pub struct Line {
    socket: UdpSocket,
    peer: Option<SocketAddr>,
    assembly: Assembly,
}

impl Line {
    pub fn new(socket: UdpSocket) -> Self {
        Self {
            socket,
            peer: None,
            assembly: Assembly::default(),
        }
    }

    /// The next whole message. Pings are answered on the way.
    pub async fn receive(&mut self) -> Message {
        let mut packet = [0; 128];
        loop {
            // Errors are of packets sent before to somebody who is gone: they concern nobody.
            let Ok((count, from)) = self.socket.recv_from(&mut packet).await else {
                continue;
            };
            if &packet[..count] == PING {
                let _ = self.socket.send_to(PONG, from).await;
                continue;
            }
            if self.peer != Some(from) {
                self.peer = Some(from);
                self.assembly = Assembly::default();
            }
            if let Some(message) = self.assembly.push(&packet[..count]) {
                return message;
            }
        }
    }

    pub async fn send<M: TrezorMessage>(&mut self, message: &M) -> io::Result<()> {
        let Some(peer) = self.peer else { return Ok(()) };
        let data = message.write_to_bytes().map_err(io::Error::other)?;
        for packet in packets(M::MESSAGE_TYPE, &data) {
            self.socket.send_to(&packet, peer).await?;
        }
        Ok(())
    }
}
