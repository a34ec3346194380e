//! How a node is named: network, URL, login. A part of the first start and of the settings.

use std::path::PathBuf;
use std::sync::Arc;

use iced::widget::{checkbox, column, row};
use iced::{Element, Task, task};

use crate::flow;
use crate::hw::DeviceSpec;
use crate::protocol::network;
use crate::rpc::endpoint::{Auth, Endpoint};
use crate::rpc::{NodeStatus, RpcError};
use crate::setup::{self, Choice, NodeChoice};
use crate::store::settings::{self, Login, Settings};
use crate::ui::format;
use crate::ui::theme::{Gap, Size};
use crate::ui::widget::{
    Field, SecretField, SecretText, error_notice, input, label, muted, primary_button, secondary_button, secret_input,
    segments, success, warning,
};

pub struct NodeForm {
    network: String,
    url: Field<String>,
    login: LoginKind,
    user: Field<String>,
    password: SecretField,
    cookie: Field<PathBuf>,
    remember: bool,
    test: Test,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LoginKind {
    Password,
    Cookie,
    None,
}

enum Test {
    Untried,
    Running { _task: task::Handle },
    Passed(Box<NodeStatus>),
    Failed(flow::Error),
}

#[derive(Debug, Clone)]
pub enum Message {
    NetworkChosen(usize),
    UrlEdited(String),
    LoginChosen(LoginKind),
    UserEdited(String),
    PasswordEdited(SecretText),
    CookieEdited(String),
    RememberToggled(bool),
    Test,
    Tested(Result<Box<NodeStatus>, flow::Error>),
    Connect,
}

pub enum Action {
    None,
    Run(Task<Message>),
    /// A complete choice, and whether to keep it.
    Connect {
        choice: Choice,
        remember: bool,
    },
}

impl NodeForm {
    pub fn new(network: &str) -> Self {
        let mut form = Self {
            network: network.to_owned(),
            url: Field::default(),
            login: LoginKind::Password,
            user: Field::default(),
            password: SecretField::default(),
            cookie: Field::default(),
            remember: true,
            test: Test::Untried,
        };
        form.url.edit(form.usual_url(), read_url);
        form
    }

    /// As the settings know the node of a network; the password is asked.
    pub fn of(settings: &Settings) -> Self {
        let mut form = Self::new(&settings.network);
        let Some((_, node)) = settings.node(&settings.network) else {
            return form;
        };
        form.url.edit(node.url.clone(), read_url);
        match &node.login {
            Login::None => form.login = LoginKind::None,
            Login::Ask { user } | Login::Vault { user } => form.user.edit(user.clone(), read_user),
            Login::Cookie { file } => {
                form.login = LoginKind::Cookie;
                form.cookie.edit(file.display().to_string(), read_path);
            }
        }
        form
    }

    pub fn update(&mut self, message: Message) -> Action {
        if !matches!(
            message,
            Message::Test | Message::Tested(_) | Message::Connect | Message::RememberToggled(_)
        ) {
            self.test = Test::Untried;
        }
        match message {
            Message::NetworkChosen(at) => self.choose_network(at),
            Message::UrlEdited(text) => self.url.edit(text, read_url),
            Message::LoginChosen(login) => self.login = login,
            Message::UserEdited(text) => self.user.edit(text, read_user),
            Message::PasswordEdited(text) => self.password.edit(text),
            Message::CookieEdited(text) => self.cookie.edit(text, read_path),
            Message::RememberToggled(remember) => self.remember = remember,
            Message::Test => return self.test(),
            Message::Tested(result) => self.tested(result),
            Message::Connect => return self.connect(),
        }
        Action::None
    }

    /// Another network has another usual port; a URL that was typed stays.
    fn choose_network(&mut self, at: usize) {
        let usual = self.usual_url();
        if let Some(name) = network::builtin_names().nth(at) {
            self.network = name.to_owned();
        }
        if self.url.text() == usual {
            self.url.edit(self.usual_url(), read_url);
        }
    }

    fn usual_url(&self) -> String {
        let port = network::builtin(&self.network).map_or(9998, |profile| profile.rpc_port);
        format!("http://127.0.0.1:{port}")
    }

    /// The choice, if every field that is asked holds something.
    fn choice(&self) -> Option<Choice> {
        let url = self.url.value()?.clone();
        let (user, password, cookie) = match self.login {
            LoginKind::Password => (Some(self.user.value()?.clone()), Some(self.password.secret()), None),
            LoginKind::Cookie => (None, None, Some(self.cookie.value()?.clone())),
            LoginKind::None => (None, None, None),
        };
        let profile = Arc::new(setup::profile(&self.network).ok()?);
        Some(Choice {
            profile,
            node: NodeChoice::Remote {
                url,
                user,
                password,
                cookie,
            },
            device: DeviceSpec::Any,
        })
    }

    fn test(&mut self) -> Action {
        let Some(choice) = self.choice() else {
            return Action::None;
        };
        let ask = async move { setup::test_node(choice).await.map(Box::new) };
        let (task, handle) = Task::perform(ask, Message::Tested).abortable();
        self.test = Test::Running {
            _task: handle.abort_on_drop(),
        };
        Action::Run(task)
    }

    fn tested(&mut self, result: Result<Box<NodeStatus>, flow::Error>) {
        if let Test::Running { .. } = self.test {
            self.test = match result {
                Ok(status) => Test::Passed(status),
                Err(error) => Test::Failed(error),
            };
        }
    }

    fn connect(&self) -> Action {
        match self.choice() {
            Some(choice) => Action::Connect {
                choice,
                remember: self.remember,
            },
            None => Action::None,
        }
    }

    /// The fields, and the buttons that use them.
    pub fn view(&self) -> Element<'_, Message> {
        let ready = self.choice().is_some();
        let testing = matches!(self.test, Test::Running { .. });
        let buttons = row![
            secondary_button("Test connection").on_press_maybe((ready && !testing).then_some(Message::Test)),
            primary_button("Connect").on_press_maybe(ready.then_some(Message::Connect))
        ]
        .spacing(Gap::S);
        let remember = checkbox(self.remember)
            .label("Remember this node (never its password)")
            .text_size(Size::BODY)
            .on_toggle(Message::RememberToggled);
        let mut content = column![
            column![label("Network"), self.networks()].spacing(Gap::XS),
            input("Node", &self.url, Message::UrlEdited)
                .help("The RPC address of your node. Through an SSH tunnel it is on this computer.")
                .id("node-url")
                .on_submit(Message::Connect),
            column![label("Login"), self.logins()].spacing(Gap::XS),
        ]
        .spacing(Gap::S);
        content = self.login_fields(content);
        if self.sends_in_the_clear() {
            content = content.push(warning(
                "Over http, everybody on the way reads the password and can change the answers. Use https or an SSH tunnel.",
            ));
        }
        content = content.push(remember).push(buttons);
        match &self.test {
            Test::Untried => content,
            Test::Running { .. } => content.push(muted("Asking the node…")),
            Test::Passed(status) => content.push(success(format!(
                "{} answers, at block {}{}.",
                status.subversion.trim_matches('/'),
                format::height(status.tip.height),
                if status.synced { "" } else { ", still loading blocks" }
            ))),
            Test::Failed(error) => content.push(error_notice(error)),
        }
        .into()
    }

    fn networks(&self) -> Element<'_, Message> {
        let names: Vec<String> = network::builtin_names().map(str::to_owned).collect();
        let chosen = names
            .iter()
            .position(|name| *name == self.network)
            .unwrap_or(usize::MAX);
        segments(names.into_iter().enumerate(), chosen, Message::NetworkChosen)
    }

    fn logins(&self) -> Element<'_, Message> {
        let kinds = [
            (LoginKind::Password, "User and password".to_owned()),
            (LoginKind::Cookie, "Cookie file".to_owned()),
            (LoginKind::None, "None".to_owned()),
        ];
        segments(kinds, self.login, Message::LoginChosen)
    }

    fn login_fields<'a>(&'a self, content: iced::widget::Column<'a, Message>) -> iced::widget::Column<'a, Message> {
        match self.login {
            LoginKind::Password => content.push(
                row![
                    input("User", &self.user, Message::UserEdited)
                        .help("rpcuser of the node.")
                        .id("node-user")
                        .on_submit(Message::Connect),
                    secret_input("Password", &self.password, Message::PasswordEdited)
                        .help("rpcpassword of the node.")
                        .id("node-password")
                        .on_submit(Message::Connect)
                ]
                .spacing(Gap::M),
            ),
            LoginKind::Cookie => content.push(
                input("Cookie file", &self.cookie, Message::CookieEdited)
                    .help("The file .cookie in the node's data folder; it is there while the node runs.")
                    .id("node-cookie")
                    .on_submit(Message::Connect),
            ),
            LoginKind::None => content,
        }
    }

    fn sends_in_the_clear(&self) -> bool {
        let local = ["http://127.", "http://localhost", "http://[::1]"];
        let url = self.url.value().map(String::as_str).unwrap_or_default();
        url.starts_with("http://") && !local.iter().any(|start| url.starts_with(start))
    }
}

/// What settings keep of a choice: never the password.
pub fn remembered(choice: &Choice) -> Option<settings::Endpoint> {
    let NodeChoice::Remote { url, user, cookie, .. } = &choice.node else {
        return None;
    };
    let login = match (user, cookie) {
        (Some(user), _) => Login::Ask { user: user.clone() },
        (None, Some(file)) => Login::Cookie { file: file.clone() },
        (None, None) => Login::None,
    };
    Some(settings::Endpoint {
        network: choice.profile.name.clone(),
        url: url.clone(),
        login,
    })
}

fn read_url(text: &str) -> Result<String, RpcError> {
    let text = text.trim();
    if text.contains('@') {
        // Settings keep URLs; a password in one would be kept too.
        return Err(RpcError::BadUrl {
            url: "..@..".to_owned(),
        });
    }
    Endpoint::new(text, Auth::None).map(|_| text.to_owned())
}

fn read_user(text: &str) -> Result<String, &'static str> {
    if text.trim().is_empty() {
        Err("a user is missing")
    } else {
        Ok(text.trim().to_owned())
    }
}

fn read_path(text: &str) -> Result<PathBuf, &'static str> {
    if text.trim().is_empty() {
        Err("the file's path is missing")
    } else {
        Ok(PathBuf::from(text.trim()))
    }
}
