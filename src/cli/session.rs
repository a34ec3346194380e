//! What the global options open: profile, directories, node, device, vault. Each only when a command needs it.

use std::io::{IsTerminal, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sipper::Sipper;
use tokio::runtime::Handle;
use zeroize::Zeroizing;

use super::args::{Global, Unlock};
use super::ask::Terminal;
use super::output::{Failure, Output};
use crate::flow::{Ports, unlock};
use crate::hw::{Asker, Device, DeviceSpec};
use crate::protocol::{Profile, network};
use crate::setup::{self, Choice, Connection, NodeChoice};
use crate::store::Dirs;
use crate::store::settings::{Login, Settings, password_name};
use crate::store::vault::Vault;

/// How much a command needs the vault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// A key of it is named.
    Must,
    /// A key of it may have to sign.
    IfThere,
    /// Nothing of it is needed; what it holds is made use of.
    IfOpen,
}

/// The options of one invocation.
pub struct Session {
    pub global: Global,
    pub output: Output,
}

impl Session {
    pub fn new(global: Global, output: Output) -> Self {
        Self { global, output }
    }

    /// # Errors
    /// No such network, or what is wrong with its file.
    pub fn profile(&self) -> Result<Arc<Profile>, Failure> {
        self.profile_or(if self.global.sandbox { "dash-regtest" } else { "dash" })
    }

    pub fn profile_or(&self, default: &str) -> Result<Arc<Profile>, Failure> {
        let name = self.global.network.as_deref().unwrap_or(default);
        setup::profile(name).map(Arc::new).map_err(Failure::usage)
    }

    pub fn dirs(&self) -> Result<Dirs, Failure> {
        match &self.global.data_dir {
            Some(dir) => Ok(Dirs::at(dir)),
            None => Dirs::platform()
                .ok_or_else(|| Failure::usage("this platform has no place for a program's files: use --data-dir")),
        }
    }

    /// The folders, made if they are missing.
    ///
    /// # Errors
    /// One cannot be made.
    pub fn made_dirs(&self) -> Result<Dirs, Failure> {
        let dirs = self.dirs()?;
        dirs.create().map_err(|error| Failure::refused("system", error))?;
        Ok(dirs)
    }

    pub fn device_spec(&self) -> Result<DeviceSpec, Failure> {
        match &self.global.device {
            None => Ok(DeviceSpec::Any),
            Some(text) => text
                .parse()
                .map_err(|error: crate::hw::DeviceError| Failure::usage(error)),
        }
    }

    /// Who answers what a device asks.
    pub fn asker(&self) -> Arc<dyn Asker> {
        Arc::new(Terminal::new(self.output))
    }

    /// The device that was named, or the only one.
    ///
    /// # Errors
    /// Why it cannot be used.
    pub async fn open_device(&self, profile: Arc<Profile>) -> Result<Arc<dyn Device>, Failure> {
        Ok(setup::open_device(self.device_spec()?, profile, self.asker()).await?)
    }

    /// Node and, where one is there, device; no vault.
    ///
    /// # Errors
    /// No node named, or it cannot be used.
    pub async fn connect(&self) -> Result<Connection, Failure> {
        self.connect_with(self.node_choice()?).await
    }

    pub async fn connect_with(&self, node: NodeChoice) -> Result<Connection, Failure> {
        let choice = self.choice(node)?;
        Ok(setup::connect(choice, &self.dirs()?, self.asker()).await?)
    }

    /// Node and journal, and the vault as far as the command needs it; no device.
    ///
    /// # Errors
    /// No node named, it cannot be used, or the vault that is needed cannot be opened.
    pub async fn ports_without_device(&self, vault: Need) -> Result<(Connection, Ports), Failure> {
        let connection = setup::connect_node(self.choice(self.node_choice()?)?, &self.dirs()?, self.asker()).await?;
        let mut ports = connection.ports.clone();
        if ports.vault.is_none() && self.opens_vault(vault)? {
            ports.vault = Some(self.vault()?);
        }
        Ok((connection, ports))
    }

    fn opens_vault(&self, need: Need) -> Result<bool, Failure> {
        let exists = self.dirs()?.vault.exists();
        Ok(match need {
            Need::Must => true,
            Need::IfThere => exists,
            Need::IfOpen => exists && (self.has_passphrase() || self.global.unlock == Unlock::Device),
        })
    }

    /// The passphrase was given with the command: no question is needed.
    fn has_passphrase(&self) -> bool {
        self.global.passphrase_file.is_some() || std::env::var_os("CASTELLAN_PASSPHRASE").is_some()
    }

    fn node_choice(&self) -> Result<NodeChoice, Failure> {
        if self.global.sandbox {
            return Ok(NodeChoice::Sandbox { block_seconds: 2 });
        }
        let Some(url) = self.global.node.clone() else {
            return self.kept_node();
        };
        Ok(NodeChoice::Remote {
            url,
            user: self.global.rpc_user.clone(),
            password: self.rpc_password()?,
            cookie: self.global.rpc_cookie.clone(),
        })
    }

    fn rpc_password(&self) -> Result<Option<Zeroizing<String>>, Failure> {
        match &self.global.rpc_password_file {
            Some(file) => read_secret(file).map(Some),
            None => Ok(self.global.rpc_password.clone().map(Zeroizing::new)),
        }
    }

    /// The node that the window was connected to last, for this network.
    fn kept_node(&self) -> Result<NodeChoice, Failure> {
        let settings = Settings::load(&self.dirs()?.settings)
            .map_err(Failure::usage)?
            .unwrap_or_default();
        let network = self.profile()?.name.clone();
        let Some((name, endpoint)) = settings.node(&network) else {
            return Err(Failure::usage(
                "no node is named: use --node URL, or --sandbox to try things out",
            ));
        };
        let (user, password, cookie) = match endpoint.login.clone() {
            Login::None => (None, None, None),
            Login::Ask { user } => (Some(user), self.rpc_password()?, None),
            Login::Vault { user } => (Some(user), self.vault()?.text(&password_name(name)), None),
            Login::Cookie { file } => (None, None, Some(file)),
        };
        Ok(NodeChoice::Remote {
            url: endpoint.url.clone(),
            user,
            password,
            cookie,
        })
    }

    fn choice(&self, node: NodeChoice) -> Result<Choice, Failure> {
        Ok(Choice {
            profile: self.profile()?,
            node,
            device: self.device_spec()?,
        })
    }

    /// Folders and, where one was named, the connection of the window.
    ///
    /// # Errors
    /// Wrong usage.
    pub fn window(&self) -> Result<(Dirs, Option<Choice>), Failure> {
        let choice = if self.has_node() {
            Some(self.choice(self.node_choice()?)?)
        } else {
            None
        };
        Ok((self.dirs()?, choice))
    }

    /// True where a node was named.
    pub fn has_node(&self) -> bool {
        self.global.sandbox || self.global.node.is_some()
    }

    /// As [`Session::connect`], with the vault unlocked.
    pub async fn ports_with_vault(&self) -> Result<(Connection, Ports), Failure> {
        let connection = self.connect().await?;
        let mut ports = connection.ports.clone();
        if ports.vault.is_none() {
            ports.vault = Some(self.vault()?);
        }
        Ok((connection, ports))
    }

    /// As [`Session::ports_with_vault`], with the device open. Connecting goes on without one; here the reason matters.
    ///
    /// # Errors
    /// Why the device cannot be used.
    pub async fn ports_with_device(&self) -> Result<(Connection, Ports), Failure> {
        let (connection, mut ports) = self.ports_with_vault().await?;
        if ports.device.is_none() {
            ports.device = Some(self.open_device(Arc::clone(&ports.profile)).await?);
        }
        Ok((connection, ports))
    }

    /// As [`Session::connect`], with the device open and the vault as far as the command needs it.
    ///
    /// # Errors
    /// Why the device cannot be used.
    pub async fn ports_with_open_device(&self, vault: Need) -> Result<(Connection, Ports), Failure> {
        let connection = self.connect().await?;
        let mut ports = connection.ports.clone();
        if ports.vault.is_none() && self.opens_vault(vault)? {
            ports.vault = Some(self.vault()?);
        }
        if ports.device.is_none() {
            ports.device = Some(self.open_device(Arc::clone(&ports.profile)).await?);
        }
        Ok((connection, ports))
    }

    /// As [`Session::connect`], with the vault unlocked if that needs no question.
    pub async fn ports_with_vault_if_open(&self) -> Result<(Connection, Ports), Failure> {
        let connection = self.connect().await?;
        let mut ports = connection.ports.clone();
        if ports.vault.is_none() && self.opens_vault(Need::IfOpen)? {
            ports.vault = Some(self.vault()?);
        }
        Ok((connection, ports))
    }

    /// The vault, if opening it needs no question.
    ///
    /// # Errors
    /// The passphrase is wrong, or what the device answers.
    pub fn vault_if_open(&self) -> Result<Option<Arc<Vault>>, Failure> {
        self.opens_vault(Need::IfOpen)?.then(|| self.vault()).transpose()
    }

    /// Opens the vault: by the passphrase given with the command, else by what `--unlock` says.
    ///
    /// # Errors
    /// There is none, the passphrase is wrong, or what the device answers.
    pub fn vault(&self) -> Result<Arc<Vault>, Failure> {
        let file = self.vault_file()?;
        if self.global.unlock == Unlock::Device && !self.has_passphrase() {
            return self.vault_by_device(file);
        }
        let passphrase = self.passphrase("passphrase of the vault: ")?;
        Ok(Arc::new(Vault::open(&file, &passphrase)?))
    }

    /// Where the vault is.
    ///
    /// # Errors
    /// There is none.
    pub fn vault_file(&self) -> Result<PathBuf, Failure> {
        let file = self.dirs()?.vault;
        if file.exists() {
            return Ok(file);
        }
        Err(Failure::refused(
            "vault",
            "there is no vault yet: make one with `castellan key init`",
        ))
    }

    /// Waits here for the user at the device: no command has anything else to do meanwhile.
    fn vault_by_device(&self, file: PathBuf) -> Result<Arc<Vault>, Failure> {
        let opened = async {
            let profile = self.profile()?;
            let device = self.open_device(Arc::clone(&profile)).await?;
            let mut flow = unlock::unlock(device, profile, file).pin();
            while let Some(step) = flow.sip().await {
                self.output.progress(&step.sentence());
            }
            Ok(Arc::new(flow.await?))
        };
        let runtime = Handle::try_current().map_err(|error| Failure::system("runtime", &error))?;
        tokio::task::block_in_place(|| runtime.block_on(opened))
    }

    /// From the file, the environment or the terminal, in this order.
    pub fn passphrase(&self, prompt: &str) -> Result<Zeroizing<String>, Failure> {
        if let Some(file) = &self.global.passphrase_file {
            return read_secret(file);
        }
        if let Ok(text) = std::env::var("CASTELLAN_PASSPHRASE") {
            return Ok(Zeroizing::new(text));
        }
        if !std::io::stdin().is_terminal() {
            return Err(Failure::usage(
                "the vault's passphrase is needed: --passphrase-file or CASTELLAN_PASSPHRASE, or --unlock device",
            ));
        }
        hidden(prompt)
    }

    /// A question a script need not answer: what it asked for is its own to see.
    pub fn confirm_on_terminal(&self, question: &str) -> Result<(), Failure> {
        if std::io::stdin().is_terminal() {
            self.confirm(question)
        } else {
            Ok(())
        }
    }

    /// A question before the point of no return. Scripts answer with --yes.
    pub fn confirm(&self, question: &str) -> Result<(), Failure> {
        if self.global.yes {
            return Ok(());
        }
        if !std::io::stdin().is_terminal() {
            return Err(Failure::usage(
                "this sends a transaction: add --yes to confirm, or --dry-run to look first",
            ));
        }
        let answer = self.ask(&format!("{question} [y/N]"))?;
        if matches!(answer.as_str(), "y" | "Y" | "yes") {
            Ok(())
        } else {
            Err(cancelled())
        }
    }

    /// As [`Session::confirm`], but a name has to be typed: for what nobody should confirm by habit.
    pub fn confirm_by_name(&self, question: &str, name: &str) -> Result<(), Failure> {
        self.confirm_by_typing(question, "its name", name)
    }

    /// As [`Session::confirm_by_name`], by the phrase of a locked coin.
    pub fn confirm_by_phrase(&self, question: &str, phrase: &str) -> Result<(), Failure> {
        self.confirm_by_typing(question, "this phrase", phrase)
    }

    fn confirm_by_typing(&self, question: &str, what: &str, text: &str) -> Result<(), Failure> {
        if self.global.yes || !std::io::stdin().is_terminal() {
            return self.confirm(question);
        }
        let answer = self.ask(&format!("{question} Type {what}, {text}:"))?;
        if answer == text { Ok(()) } else { Err(cancelled()) }
    }

    fn ask(&self, question: &str) -> Result<String, Failure> {
        self.output.progress(question);
        let mut answer = String::new();
        std::io::stdin()
            .read_line(&mut answer)
            .map_err(|error| Failure::system("terminal", &error))?;
        Ok(answer.trim().to_owned())
    }
}

fn cancelled() -> Failure {
    Failure::refused("cancelled", "cancelled; nothing was sent")
}

fn read_secret(file: &Path) -> Result<Zeroizing<String>, Failure> {
    let text = std::fs::read_to_string(file).map(Zeroizing::new);
    let text = text.map_err(|error| Failure::usage(format!("{} cannot be read: {}", file.display(), error.kind())))?;
    Ok(Zeroizing::new(text.trim_end_matches(['\r', '\n']).to_owned()))
}

/// An argument, or standard input where it is `-`: secrets need not stand in the process list.
pub fn argument(text: &str) -> Result<Zeroizing<String>, Failure> {
    if text == "-" {
        stdin()
    } else {
        Ok(Zeroizing::new(text.to_owned()))
    }
}

/// Typed on the terminal without echo.
pub fn hidden(prompt: &str) -> Result<Zeroizing<String>, Failure> {
    rpassword::prompt_password(prompt)
        .map(Zeroizing::new)
        .map_err(|error| Failure::system("terminal", &error))
}

/// All of standard input, without the last line break.
pub fn stdin() -> Result<Zeroizing<String>, Failure> {
    if std::io::stdin().is_terminal() {
        return hidden("secret: ");
    }
    let mut text = Zeroizing::new(String::new());
    // Larger than any transaction; more is a mistake.
    let mut limited = std::io::stdin().take(4 << 20);
    limited
        .read_to_string(&mut text)
        .map_err(|error| Failure::system("standard input", &error))?;
    Ok(Zeroizing::new(text.trim().to_owned()))
}

impl From<network::ProfileError> for Failure {
    fn from(error: network::ProfileError) -> Self {
        Self::usage(error)
    }
}
