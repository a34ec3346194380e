//! Sessions: which wallet is selected. The host resumes one by its id; one it does not name begins anew.

use std::collections::HashMap;

use super::keys::Wallet;

/// 32 bytes.
pub type Id = [u8; 32];

#[derive(Default)]
pub struct Sessions {
    wallets: HashMap<Id, Option<Wallet>>,
    current: Option<Id>,
}

impl Sessions {
    /// Resumes a session that is known, else begins one; its id.
    pub fn begin(&mut self, wanted: Option<&[u8]>) -> Result<Id, getrandom::Error> {
        let known = wanted
            .and_then(|id| Id::try_from(id).ok())
            .filter(|id| self.wallets.contains_key(id));
        let id = match known {
            Some(id) => id,
            None => {
                let mut id = Id::default();
                getrandom::fill(&mut id)?;
                self.wallets.insert(id, None);
                id
            }
        };
        self.current = Some(id);
        Ok(id)
    }

    /// Forgets the one that is open; until the next begins there is none.
    pub fn end(&mut self) {
        if let Some(id) = self.current.take() {
            self.wallets.remove(&id);
        }
    }

    /// None: there is no session. Some(None): its wallet is not selected yet.
    pub fn wallet(&self) -> Option<Option<Wallet>> {
        self.wallets.get(self.current.as_ref()?).cloned()
    }

    /// Sessions stay, the wallets selected in them do not.
    pub fn forget(&mut self) {
        self.wallets.values_mut().for_each(|wallet| *wallet = None);
    }

    pub fn select(&mut self, wallet: Wallet) {
        if let Some(id) = self.current {
            self.wallets.insert(id, Some(wallet));
        }
    }
}
