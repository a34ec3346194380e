//! The operations on one masternode: what each does, whose key it needs, and whether that key is here.

use crate::flow::operation::{Kind, Role};
use crate::flow::overview::Masternode;
use crate::protocol::masternode::OperatorKey;

/// What can be done with a masternode.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum What {
    Service,
    OperatorKey,
    VotingKey,
    Payout,
    Revoke,
    /// An update of the service that ends a ban.
    Revive,
}

impl What {
    /// The five that are always there; banned masternodes have [`What::Revive`] too.
    pub const ALL: [Self; 5] = [
        Self::Service,
        Self::OperatorKey,
        Self::VotingKey,
        Self::Payout,
        Self::Revoke,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::Service => "Update service",
            Self::OperatorKey => "Update operator key",
            Self::VotingKey => "Update voting key",
            Self::Payout => "Update payout address",
            Self::Revoke => "Revoke operator",
            Self::Revive => "Revive",
        }
    }

    pub fn kind(self) -> Kind {
        match self {
            Self::Service | Self::Revive => Kind::UpdateService,
            Self::OperatorKey | Self::VotingKey | Self::Payout => Kind::UpdateRegistrar,
            Self::Revoke => Kind::Revoke,
        }
    }

    /// Who signs it.
    pub fn role(self) -> Role {
        match self {
            Self::Service | Self::Revoke | Self::Revive => Role::Operator,
            Self::OperatorKey | Self::VotingKey | Self::Payout => Role::Owner,
        }
    }

    /// One sentence.
    fn does(self) -> &'static str {
        match self {
            Self::Service => "Announces the server's address and where the operator's share is paid.",
            Self::OperatorKey => {
                "Gives the server to another operator key; the masternode is banned until that key's holder announces it."
            }
            Self::VotingKey => "Lets another key vote; nothing else changes.",
            Self::Payout => "Has rewards paid to another address; nothing else changes.",
            Self::Revoke => "The operator gives up: the masternode is banned until the owner names a new operator key.",
            Self::Revive => "Looks at why it was banned and announces its address again, which ends the ban.",
        }
    }

    /// What its button says when pointed at; an error if it does nothing. `elsewhere`: the key need not be in this vault.
    ///
    /// # Errors
    /// Why it cannot be done from here.
    pub fn hint(self, masternode: &Masternode, elsewhere: bool) -> Result<String, String> {
        let role = self.role();
        if role == Role::Operator && masternode.entry.state.operator == OperatorKey::Revoked {
            return Err("Its operator gave up: the owner has to name a new operator key first.".to_owned());
        }
        let held = match role {
            Role::Owner => masternode.roles.owner.as_ref(),
            _ => masternode.roles.operator.as_ref(),
        };
        match held {
            Some(label) => Ok(format!("{} Signed by {label}.", self.does())),
            None if elsewhere => Ok(format!("{} Signed elsewhere, by who holds the {role}.", self.does())),
            None => Err(format!(
                "Needs the {role}, which is not in this vault. Choose “{ELSEWHERE}” to {}.",
                match role {
                    Role::Operator => "paste it for once or to hand the operation over as a file",
                    _ => "hand the operation over as a file",
                }
            )),
        }
    }
}

/// Name of the choice that lets an operation be begun without its key.
pub const ELSEWHERE: &str = "A key is elsewhere";
