//! The wallet of the device: accounts, addresses and coins, receiving, sending, and making collaterals.
//!
//! A file per part: `search` reads the accounts, `coins` and `addresses` are the two tables, `label` is a label written in one of them,
//! `unlock` guards what is locked, `receive` shows an address on the device, `payment` is one payment from its form to its block. This
//! one leads from part to part.

mod addresses;
mod coins;
mod label;
pub mod payment;
mod receive;
mod search;
mod unlock;
mod view;

use iced::{Subscription, Task};

use self::addresses::Addresses;
use self::coins::Coins;
use self::payment::Payment;
use self::receive::Receive;
use self::search::Search;
use self::unlock::Unlock;
use crate::flow::wallet::{Account, WalletCoin};
use crate::flow::{Error, Ports};
use crate::hw::Kind;
use crate::protocol::key::KeyId;
use crate::rpc::CoinSource;
use crate::ui::screen::register::Offer;

#[derive(Default)]
pub struct Wallet {
    search: Search,
    /// As read last.
    accounts: Option<Vec<Account>>,
    /// The device they are of.
    of: Option<Of>,
    /// It asks its user before it tells the keys of this coin: nothing is read that nobody pressed for.
    asks: bool,
    /// The chain has grown, or something was paid, since they were read.
    stale: bool,
    /// Of the one on screen, by its place in the list.
    account: usize,
    tab: Tab,
    coins: Coins,
    addresses: Addresses,
    front: Front,
    /// Begun here and not put away yet.
    payments: Vec<(u64, Payment)>,
    next: u64,
}

/// A device, and the wallet on it where it tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Of {
    pub kind: Kind,
    pub place: String,
    /// None: not known until its PIN and passphrase were entered.
    pub wallet: Option<String>,
}

impl Of {
    /// Surely not the wallet of before.
    fn differs(&self, before: &Self) -> bool {
        let other = match (&self.wallet, &before.wallet) {
            (Some(now), Some(before)) => now != before,
            _ => self.place != before.place,
        };
        self.kind != before.kind || other
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Tab {
    #[default]
    Coins,
    Addresses,
}

/// What is on screen.
#[derive(Default)]
enum Front {
    #[default]
    Tables,
    /// Over the tables.
    Unlocking(Box<Unlock>),
    Receiving(Receive),
    /// A payment by its number.
    Paying(u64),
}

#[derive(Debug, Clone)]
pub enum Message {
    Refresh,
    Further,
    StopSearch,
    Tick,
    Read(u64, Result<Vec<Account>, Error>),
    Account(usize),
    Tab(Tab),
    Coins(coins::Message),
    Addresses(addresses::Message),
    Unlock(unlock::Message),
    /// An address to be paid to.
    ReceiveNext,
    Receive(receive::Message),
    Send,
    Collateral,
    Payment(u64, payment::Message),
    ShowPayment(u64),
    PutAway(u64),
    /// The page about the device.
    Devices,
    /// What Enter and Esc mean on what is on screen.
    Submit,
    Back,
}

pub enum Action {
    None,
    Run(Task<Message>),
    /// Registers a masternode with a collateral that was just made.
    Register(Offer),
    Devices,
}

impl Wallet {
    /// The page is opened: reads the accounts if they are not known, and the device tells them without a question.
    pub fn enter(&mut self, ports: &Ports, sandbox: bool) -> Task<Message> {
        let ledger = ports
            .device
            .as_ref()
            .is_some_and(|device| device.kind() == Kind::Ledger);
        // The embedded Ledger is made for its network; a real one knows one coin.
        self.asks = ports.profile.ledger_asks_for_keys() && ledger && !sandbox;
        let known = self.accounts.is_some() && !self.stale;
        if known || self.search.was_stopped() {
            return Task::none();
        }
        self.read_again(ports)
    }

    /// Reads the accounts, where that disturbs nobody.
    fn read_again(&mut self, ports: &Ports) -> Task<Message> {
        if self.asks || ports.device.is_none() || self.search.is_running() || self.is_asking() {
            return Task::none();
        }
        self.search.begin(ports)
    }

    /// The page is left: locks are back, and what was not begun is dropped.
    pub fn leave(&mut self) {
        self.coins.reset();
        self.payments.retain(|(_, payment)| payment.is_under_way());
        let kept = match self.front {
            Front::Paying(id) => self.payments.iter().any(|(each, _)| *each == id),
            _ => false,
        };
        if !kept {
            self.front = Front::Tables;
        }
    }

    /// A device was opened, lost, or changed for another.
    pub fn ports_changed(&mut self, ports: &Ports, of: Option<Of>, shown: bool, sandbox: bool) -> Task<Message> {
        if let Some(mut of) = of {
            match self.of.take() {
                Some(before) if of.differs(&before) => self.forget(),
                Some(before) => of.wallet = of.wallet.or(before.wallet),
                None => {}
            }
            self.of = Some(of);
        }
        if shown {
            self.enter(ports, sandbox)
        } else {
            Task::none()
        }
    }

    /// What is known of a device that is no longer the one in use.
    fn forget(&mut self) {
        self.search.forget();
        self.accounts = None;
        self.account = 0;
        self.leave();
    }

    /// A block came. Where a question to the node is cheap, everything is read again.
    pub fn new_block(&mut self, ports: &Ports, shown: bool) -> Task<Message> {
        self.stale = true;
        if shown && self.is_cheap() {
            return self.read_again(ports);
        }
        Task::none()
    }

    /// The node has an index of addresses.
    fn is_cheap(&self) -> bool {
        let accounts = self.accounts.as_deref().unwrap_or_default();
        accounts
            .first()
            .is_some_and(|account| account.source == CoinSource::AddressIndex)
    }

    /// The device has a question on its screen, and is not to be asked for keys meanwhile.
    fn is_asking(&self) -> bool {
        match &self.front {
            Front::Receiving(receive) => receive.is_asking(),
            Front::Paying(_) | Front::Tables | Front::Unlocking(_) => {
                self.payments.iter().any(|(_, payment)| payment.needs_device())
            }
        }
    }

    pub fn update(&mut self, ports: &Ports, message: Message) -> Action {
        match message {
            Message::Refresh => return self.refresh(ports),
            Message::Further => return Action::Run(self.search.further(ports)),
            Message::StopSearch => self.search.stop(),
            Message::Tick => {}
            Message::Read(run, result) => self.read(run, result),
            Message::Account(at) => self.show_account(at),
            Message::Tab(tab) => self.tab = tab,
            Message::Coins(message) => return self.of_coins(ports, message),
            Message::Addresses(message) => return self.of_addresses(ports, message),
            Message::Unlock(message) => self.of_unlock(message),
            Message::ReceiveNext => self.receive_next(),
            Message::Receive(message) => return self.of_receive(ports, message),
            Message::Send => return self.pay(ports, Payment::send),
            Message::Collateral => return self.pay(ports, Payment::collateral),
            Message::Payment(id, message) => return self.of_payment(ports, id, message),
            Message::ShowPayment(id) => self.front = Front::Paying(id),
            Message::PutAway(id) => self.payments.retain(|(each, _)| *each != id),
            Message::Devices => return Action::Devices,
            Message::Submit => return self.submit(ports),
            Message::Back => return self.back(ports),
        }
        Action::None
    }

    fn refresh(&mut self, ports: &Ports) -> Action {
        if ports.device.is_none() || self.search.is_running() {
            return Action::None;
        }
        Action::Run(self.search.begin(ports))
    }

    fn read(&mut self, run: u64, result: Result<Vec<Account>, Error>) {
        let Some(accounts) = self.search.ended(run, result) else {
            return;
        };
        self.stale = false;
        self.account = self.account.min(accounts.len().saturating_sub(1));
        self.accounts = Some(accounts);
        if let Some(account) = self.shown() {
            let coins = account.coins.clone();
            self.coins.keep(&coins);
        }
    }

    fn shown(&self) -> Option<&Account> {
        self.accounts.as_ref()?.get(self.account)
    }

    fn show_account(&mut self, at: usize) {
        if at != self.account {
            self.account = at;
            self.coins.reset();
        }
    }

    fn of_coins(&mut self, ports: &Ports, message: coins::Message) -> Action {
        let Some(account) = self.accounts.as_mut().and_then(|all| all.get_mut(self.account)) else {
            return Action::None;
        };
        match message {
            coins::Message::Label(message) => {
                let task = self.coins.label(ports, &mut account.coins, message);
                Action::Run(task.map(Message::Coins))
            }
            coins::Message::Unlock(outpoint) => {
                let coin = account.coins.iter().find(|coin| coin.outpoint() == outpoint);
                coin.cloned().map_or(Action::None, |coin| self.ask_unlock(ports, coin))
            }
            coins::Message::Send => self.pay(ports, Payment::send),
            coins::Message::Copy(text) => Action::Run(iced::clipboard::write(text)),
            message => {
                self.coins.update(&account.coins, message);
                Action::None
            }
        }
    }

    fn ask_unlock(&mut self, ports: &Ports, coin: WalletCoin) -> Action {
        let (unlock, task) = Unlock::new(coin, &ports.profile);
        self.front = Front::Unlocking(Box::new(unlock));
        Action::Run(task.map(Message::Unlock))
    }

    fn of_unlock(&mut self, message: unlock::Message) {
        let Front::Unlocking(unlock) = &mut self.front else {
            return;
        };
        match unlock.update(message) {
            unlock::Action::None => return,
            unlock::Action::Unlock(coin) => self.coins.unlock(&coin),
            unlock::Action::Close => {}
        }
        self.front = Front::Tables;
    }

    fn of_addresses(&mut self, ports: &Ports, message: addresses::Message) -> Action {
        if let addresses::Message::Show(key) = message {
            self.receive(key);
            return Action::None;
        }
        let accounts = self.accounts.as_deref_mut().unwrap_or_default();
        Action::Run(self.addresses.update(ports, accounts, message).map(Message::Addresses))
    }

    fn receive_next(&mut self) {
        if let Some((path, key)) = self.shown().map(|account| account.next_receive.clone()) {
            self.front = Front::Receiving(Receive::new(path, key, false));
        }
    }

    fn receive(&mut self, key: KeyId) {
        let address = self
            .shown()
            .and_then(|account| account.addresses.iter().find(|address| address.key_id == key));
        if let Some(address) = address {
            self.front = Front::Receiving(Receive::new(address.path.clone(), key, address.coins > 0));
        }
    }

    fn of_receive(&mut self, ports: &Ports, message: receive::Message) -> Action {
        let Front::Receiving(receive) = &mut self.front else {
            return Action::None;
        };
        match receive.update(ports, message) {
            receive::Action::None => Action::None,
            receive::Action::Run(task) => Action::Run(task.map(Message::Receive)),
            receive::Action::Close => {
                self.front = Front::Tables;
                Action::None
            }
        }
    }

    fn pay(
        &mut self,
        ports: &Ports,
        open: fn(&Ports, &Account, payment::Ticked) -> (Payment, Task<payment::Message>),
    ) -> Action {
        let Some(account) = self.shown() else {
            return Action::None;
        };
        let ticked = self.coins.ticked(&account.coins);
        let (payment, task) = open(ports, account, ticked);
        self.next += 1;
        let id = self.next;
        self.payments.push((id, payment));
        self.front = Front::Paying(id);
        Action::Run(task.map(move |message| Message::Payment(id, message)))
    }

    fn of_payment(&mut self, ports: &Ports, id: u64, message: payment::Message) -> Action {
        let Some((_, payment)) = self.payments.iter_mut().find(|(each, _)| *each == id) else {
            return Action::None;
        };
        match payment.update(ports, message) {
            payment::Action::None => Action::None,
            payment::Action::Run(task) => Action::Run(task.map(move |message| Message::Payment(id, message))),
            payment::Action::Close => {
                self.close(id);
                Action::None
            }
            payment::Action::Changed(task) => {
                // What it was paid from is gone, and what was unlocked for it is locked again.
                self.coins.reset();
                self.stale = true;
                let task = task.map(move |message| Message::Payment(id, message));
                Action::Run(Task::batch([task, self.read_again(ports)]))
            }
            payment::Action::Register(offer) => {
                self.close(id);
                Action::Register(offer)
            }
        }
    }

    /// Back to the tables. What is on its way stays, and is shown there in a line.
    fn close(&mut self, id: u64) {
        self.payments
            .retain(|(each, payment)| *each != id || payment.is_under_way());
        self.front = Front::Tables;
    }

    fn submit(&mut self, ports: &Ports) -> Action {
        match &self.front {
            Front::Tables | Front::Unlocking(_) => Action::None,
            Front::Receiving(_) => self.of_receive(ports, receive::Message::Show),
            Front::Paying(id) => self.of_payment(ports, *id, payment::Message::Submit),
        }
    }

    fn back(&mut self, ports: &Ports) -> Action {
        match &self.front {
            Front::Tables if self.tab == Tab::Coins && self.coins.is_labelling() => {
                self.of_coins(ports, coins::Message::Label(label::Message::Cancel))
            }
            Front::Tables if self.addresses.is_editing() => {
                self.of_addresses(ports, addresses::Message::Label(label::Message::Cancel))
            }
            Front::Tables => Action::None,
            Front::Unlocking(_) => {
                self.of_unlock(unlock::Message::Cancel);
                Action::None
            }
            Front::Receiving(_) => self.of_receive(ports, receive::Message::Back),
            Front::Paying(id) => self.of_payment(ports, *id, payment::Message::Back),
        }
    }

    pub fn subscription(&self) -> Subscription<Message> {
        self.search.subscription()
    }
}
