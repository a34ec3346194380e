//! Of the node.

use super::Advice;
use crate::rpc::RpcError;

impl Advice for RpcError {
    fn advice(&self) -> Option<String> {
        let text = match self {
            Self::Unreachable { .. } => {
                "Check that the node runs, that host and port are right, and that a firewall or tunnel lets you through."
            }
            Self::Timeout { .. } => "The node may be busy or far away; try again in a moment.",
            Self::Certificate { .. } => {
                "Use the name the certificate was made for, or reach the node through an SSH tunnel."
            }
            Self::Unauthorized { .. } => "Check rpcuser and rpcpassword, or choose the node's .cookie file.",
            Self::Forbidden { .. } => {
                "Add this computer to rpcallowip, or the call to rpcwhitelist, in the node's configuration."
            }
            Self::Busy { .. } => "Wait a moment, or raise rpcworkqueue in the node's configuration.",
            Self::WarmingUp { .. } => "Wait until the node has loaded its blocks; this can take some minutes.",
            Self::NotANode { .. } => "Check the port: RPC and P2P ports differ.",
            Self::TooLarge { .. } => "No honest answer is that large; connect to another node.",
            Self::Malformed { .. } => "The node may be of an unknown version; update it or connect to another one.",
            Self::UnknownMethod { .. } => "Update the node, or connect to one that allows this call.",
            Self::Failed { .. } => "Look into the node's debug.log for the reason.",
            Self::Rejected { .. } => "Nothing has changed; go back, correct it and try again.",
            Self::OtherChain { .. } => "Choose the network this node belongs to, or connect to another node.",
            Self::OtherData { .. } => "This node does not tell the truth; connect to another one.",
            Self::NoCoinSearch => "Name the outputs yourself, or start the node with -addressindex=1.",
            Self::Cookie { .. } => "Check the path; the file exists only while the node runs.",
            Self::BadUrl { .. } => "Write it as http://127.0.0.1:9998.",
        };
        Some(text.to_owned())
    }
}
