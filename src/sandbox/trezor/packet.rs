//! Messages in 64-byte packets: `? # #`, type u16 BE, length u32 BE, data; later packets `?` and data. Padded with zeros.

use trezor_client::protos::MessageType;

pub const PACKET: usize = 64;
const HEAD: usize = 9;
/// No request is longer: a transaction's parts come one by one.
const MAX: usize = 64 * 1024;

/// A message as it came: its type's number and its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    pub kind: u16,
    pub data: Vec<u8>,
}

impl Message {
    pub fn is(&self, kind: MessageType) -> bool {
        i32::from(self.kind) == kind as i32
    }
}

/// A message being put together. A packet that does not fit begins anew, as the device's own does.
#[derive(Debug, Default)]
pub struct Assembly {
    open: Option<(Message, usize)>,
}

impl Assembly {
    pub fn push(&mut self, packet: &[u8]) -> Option<Message> {
        let (message, length) = match (self.open.take(), packet) {
            (Some((mut message, length)), [b'?', data @ ..]) => {
                message.data.extend_from_slice(data);
                (message, length)
            }
            (None, [b'?', b'#', b'#', k0, k1, l0, l1, l2, l3, data @ ..]) => {
                let length = u32::from_be_bytes([*l0, *l1, *l2, *l3]) as usize;
                let kind = u16::from_be_bytes([*k0, *k1]);
                let data = data.to_vec();
                (Message { kind, data }, length)
            }
            _ => return None,
        };
        self.finish(message, length)
    }

    fn finish(&mut self, mut message: Message, length: usize) -> Option<Message> {
        if length > MAX {
            return None;
        }
        if message.data.len() < length {
            self.open = Some((message, length));
            return None;
        }
        message.data.truncate(length);
        Some(message)
    }
}

/// The packets of an answer.
pub fn packets(kind: MessageType, data: &[u8]) -> Vec<[u8; PACKET]> {
    let mut stream = Vec::with_capacity(HEAD + data.len());
    stream.extend_from_slice(b"##");
    stream.extend_from_slice(&(kind as u16).to_be_bytes());
    stream.extend_from_slice(&(data.len() as u32).to_be_bytes());
    stream.extend_from_slice(data);
    let packet = |part: &[u8]| {
        let mut packet = [0; PACKET];
        packet[0] = b'?';
        packet[1..=part.len()].copy_from_slice(part);
        packet
    };
    stream.chunks(PACKET - 1).map(packet).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_cut_into_packets_comes_back_whole(data in proptest::collection::vec(any::<u8>(), 0..600)) {
            let mut assembly = Assembly::default();
            let kind = MessageType::MessageType_TxAck;
            let mut whole = Vec::new();
            for packet in packets(kind, &data) {
                whole.extend(assembly.push(&packet));
            }
            prop_assert_eq!(whole, [Message { kind: kind as u16, data }]);
        }

        #[test]
        fn packets_of_any_bytes_never_panic(packets in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..70), 0..6)) {
            let mut assembly = Assembly::default();
            for mut packet in packets {
                if packet.len() > 3 {
                    packet[..3].copy_from_slice(b"?##");
                }
                assembly.push(&packet);
            }
        }
    }
}
