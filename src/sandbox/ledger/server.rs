//! The device's socket: commands in Speculos framing.
//!
//! Request: `u32 BE length | APDU`. Answer: `u32 BE length of the data without status word | data | status word`.
//! The newest connection gets every answer; an older one stays open and hears nothing more. When the device leaves the bus (an
//! app closes, the cable is pulled) every connection ends.

use std::io;
use std::sync::Arc;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

use super::panel::Shared;

/// No APDU is longer than 260 bytes; what claims far more does not speak this protocol.
const MAX_FRAME: u32 = 4096;

/// Serves until dropped; dropping ends the connections too.
pub(super) async fn run(listener: TcpListener, device: Arc<Shared>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(serve(stream, Arc::clone(&device)));
                }
                Err(error) => {
                    tracing::warn!(%error, "the emulated Ledger could not accept a connection");
                    // Out of descriptors or the like: give the cause a moment to pass.
                    tokio::time::sleep(std::time::Duration::from_millis(100)).await;
                }
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn serve(stream: TcpStream, device: Arc<Shared>) {
    let _ = stream.set_nodelay(true);
    let (read, write) = stream.into_split();
    let (answers, outgoing) = mpsc::unbounded_channel();
    let Some((id, enumeration)) = device.lock().connect(answers) else {
        return;
    };
    // Either end of the wire may be the first to stop; how does not matter to the device.
    tokio::select! {
        _ = read_commands(read, &device, id) => {}
        _ = write_answers(write, outgoing, enumeration) => {}
    }
    device.lock().disconnect(id);
}

async fn read_commands(mut read: OwnedReadHalf, device: &Shared, id: u64) -> io::Result<()> {
    loop {
        let length = read.read_u32().await?;
        if length > MAX_FRAME {
            return Err(io::ErrorKind::InvalidData.into());
        }
        let mut command = vec![0; length as usize];
        read.read_exact(&mut command).await?;
        device.lock().receive(id, &command);
        // The device may have left the bus with this command; the writer gets to end the connection first.
        tokio::task::yield_now().await;
    }
}

async fn write_answers(
    mut write: OwnedWriteHalf,
    mut answers: mpsc::UnboundedReceiver<Vec<u8>>,
    mut enumeration: watch::Receiver<u64>,
) -> io::Result<()> {
    loop {
        tokio::select! {
            biased;
            // A superseded connection's channel is closed: it waits for the end without a word.
            Some(frame) = answers.recv() => write.write_all(&frame).await?,
            _ = enumeration.changed() => return write.shutdown().await,
        }
    }
}
