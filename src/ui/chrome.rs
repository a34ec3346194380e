//! What surrounds every page: sidebar, status bar, the sandbox's device; and what stands in for a page without connection.

use iced::widget::{column, container, row, rule, space, text};
use iced::{Background, Border, Element, Length, Theme};

use super::asker::Asked;
use super::session::{NodeView, Session};
use super::theme::{Gap, STRONG, Size, Tone, colors};
use super::widget::{
    body, card, dot, error_notice, heading, help, muted, nav_button, overlay, page, primary_button, scroll,
    secondary_button, text_button, toned,
};
use super::{App, Link, Message, Page, Screen, advice, format, prompt, screen};
use crate::hw::{DeviceError, DeviceSpec, Question};
use crate::setup::{Choice, NodeChoice};

const SIDEBAR: f32 = 164.0;

pub(super) fn view(app: &App) -> Element<'_, Message> {
    if let Screen::Start(start) = &app.screen {
        return ground(column![start_error(app), start.view().map(Message::Start)]);
    }
    let page = column![
        told(app),
        container(content(app)).width(Length::Fill).height(Length::Fill)
    ];
    let dialog = app.prompt.as_ref().map(|prompt| {
        prompt
            .view(&asking(app, Some(prompt.id())))
            .map(|message| Message::Prompt(prompt.id(), message))
    });
    // The sandbox's device stays in reach: it is what one looks at.
    let mut middle = row![overlay(row![sidebar(app), page], dialog)];
    if let Link::Up(session) = &app.link
        && let Some(sandbox) = &session.sandbox
    {
        middle = middle.push(side(sandbox.panel().map(Message::Sandbox)));
    }
    ground(column![middle.height(Length::Fill), status_bar(app)])
}

/// What a device waits for, above the page.
fn told(app: &App) -> Element<'_, Message> {
    let told = app.asked.iter().find_map(|asked| match &asked.question {
        Question::Button { look, .. } => Some((asked.id, *look)),
        _ => None,
    });
    match told {
        Some((id, look)) => prompt::told(look, &asking(app, Some(id)), Some(Message::CancelOnDevice(id))),
        None if is_busy(app) => prompt::left_over(&asking(app, None)),
        None => space().into(),
    }
}

/// The device in use does not answer, as one whose question was cancelled here. The Devices page says more.
fn is_busy(app: &App) -> bool {
    let Link::Up(session) = &app.link else {
        return false;
    };
    let busy = matches!(session.device.error(), Some(DeviceError::Busy { .. }));
    busy && !matches!(app.screen, Screen::Devices(_))
}

/// The device that asks the question with this number; without one, the one in use.
fn asking(app: &App, id: Option<u64>) -> prompt::Shown<'_> {
    match &app.link {
        Link::Up(session) => prompt::Shown {
            device: name(session, app.asked.iter().find(|asked| Some(asked.id) == id)),
            sandbox: session
                .sandbox
                .as_ref()
                .map(|_| "This is the sandbox: its device is drawn at the right of the window."),
        },
        _ => prompt::Shown {
            device: "device".to_owned(),
            sandbox: None,
        },
    }
}

/// Mostly the one in use. Another one is not called by its name.
fn name(session: &Session, asked: Option<&Asked>) -> String {
    let Some(asked) = asked else {
        return session.device.name();
    };
    let (kind, device) = (asked.question.kind(), asked.device.as_ref().unwrap_or(&session.first));
    match device {
        used if *used == session.connection.device => session.device.name(),
        DeviceSpec::Port { port, .. } => format!("{kind} at port {port}"),
        DeviceSpec::Network { address, .. } => format!("{kind} at {address}"),
        DeviceSpec::Any | DeviceSpec::Usb(_) => kind.to_string(),
    }
}

fn start_error(app: &App) -> Element<'_, Message> {
    match &app.settings_error {
        Some(error) => container(error_notice(error)).padding(Gap::M).into(),
        None => space().into(),
    }
}

fn ground<'a>(content: impl Into<Element<'a, Message>>) -> Element<'a, Message> {
    container(content)
        .width(Length::Fill)
        .height(Length::Fill)
        .style(|theme: &Theme| plain(theme, colors(theme).page))
        .into()
}

fn plain(theme: &Theme, ground: iced::Color) -> container::Style {
    container::Style {
        text_color: Some(colors(theme).text),
        background: Some(Background::Color(ground)),
        ..container::Style::default()
    }
}

fn sidebar(app: &App) -> Element<'_, Message> {
    let entries = [
        ("Masternodes", Page::Masternodes),
        ("Network", Page::Network),
        ("Alerts", Page::Alerts),
        ("Wallet", Page::Wallet),
        ("Keys", Page::Keys),
        ("Devices", Page::Devices),
        ("Journal", Page::Journal),
        ("Sandbox", Page::Sandbox),
        ("Settings", Page::Settings),
    ];
    let entry =
        |(name, page): (&'static str, Page)| nav_button(name, is_on(app, page)).on_press(Message::Go(page)).into();
    let name = container(text("Castellan").size(Size::HEADING + 2.0).font(STRONG)).padding([Gap::S, Gap::M]);
    let list = column![name, space().height(Gap::S)]
        .extend(entries.map(entry))
        .spacing(Gap::XS);
    container(list)
        .padding(Gap::S)
        .width(SIDEBAR)
        .height(Length::Fill)
        .style(|theme: &Theme| plain(theme, colors(theme).sidebar))
        .into()
}

fn is_on(app: &App, page: Page) -> bool {
    match &app.screen {
        Screen::Start(_) => false,
        Screen::Masternodes | Screen::Register | Screen::Batch => page == Page::Masternodes,
        Screen::Network => page == Page::Network,
        Screen::Alerts => page == Page::Alerts,
        Screen::Update(update) if update.is_from_file() => page == Page::Journal,
        Screen::Update(_) => page == Page::Masternodes,
        Screen::Vault(_, then) => {
            page == match *then {
                Page::Register => Page::Masternodes,
                Page::Slots => Page::Keys,
                other => other,
            }
        }
        Screen::Wallet => page == Page::Wallet,
        Screen::Keys(_) | Screen::Slots(_) => page == Page::Keys,
        Screen::Devices(_) => page == Page::Devices,
        Screen::Journal => page == Page::Journal,
        Screen::Sandbox => page == Page::Sandbox,
        Screen::Settings(_) => page == Page::Settings,
    }
}

/// The sandbox's device, right of every page.
fn side<'a>(panel: Element<'a, Message>) -> Element<'a, Message> {
    container(scroll(container(panel).padding(Gap::M)).height(Length::Fill))
        .width(screen::sandbox::WIDTH)
        .height(Length::Fill)
        .style(|theme: &Theme| plain(theme, colors(theme).sidebar))
        .into()
}

fn content(app: &App) -> Element<'_, Message> {
    match (&app.screen, &app.link) {
        (Screen::Alerts, Link::Up(session)) => session
            .alerts
            .view(session.ports(), &app.settings.alerts)
            .map(Message::Alerts),
        (Screen::Settings(page), _) => page.view(settings_shown(app)).map(Message::Settings),
        (Screen::Sandbox, link) => match link {
            Link::Up(session) => sandbox_page(session),
            _ => no_sandbox(),
        },
        (screen, Link::Up(session)) => with_session(screen, session),
        (_, Link::Connecting { choice, .. }) => connecting(choice),
        (_, Link::Down { choice, error }) => down(choice, error),
        (_, Link::None) => unconnected(),
    }
}

fn with_session<'a>(screen: &'a Screen, session: &'a Session) -> Element<'a, Message> {
    let ports = session.ports();
    match screen {
        Screen::Register => match &session.register {
            Some(register) => register.view().map(Message::Register),
            None => space().into(),
        },
        Screen::Network => session.network.view().map(Message::Network),
        Screen::Update(update) => update.view().map(Message::Update),
        Screen::Batch => match &session.batch {
            Some(batch) => batch.view().map(Message::Batch),
            None => space().into(),
        },
        Screen::Wallet => session
            .wallet
            .view(ports, &session.device, session.sandbox.is_some())
            .map(Message::Wallet),
        Screen::Vault(vault, _) => vault.view(&session.device).map(Message::Vault),
        Screen::Slots(slots) => slots.view(&session.device).map(Message::Slots),
        Screen::Keys(keys) => keys.view().map(Message::Keys),
        Screen::Devices(devices) => {
            let known = screen::devices::Known {
                seen: &session.device,
                found: session.devices.as_deref(),
                spec: &session.connection.device,
                profile: &ports.profile,
                sandbox: session.sandbox.is_some(),
            };
            devices.view(&known).map(Message::Devices)
        }
        Screen::Journal => match &session.journal {
            Some(journal) => journal.view(ports).map(Message::Journal),
            None => space().into(),
        },
        _ => session
            .masternodes
            .view(ports, session.batch.as_ref())
            .map(Message::Masternodes),
    }
}

fn settings_shown(app: &App) -> screen::settings::Shown<'_> {
    let session = match &app.link {
        Link::Up(session) => Some(session),
        _ => None,
    };
    screen::settings::Shown {
        settings: &app.settings,
        dirs: &app.dirs,
        connection: session.map(|session| place(&session.choice)),
        in_sandbox: session.is_some_and(|session| session.sandbox.is_some()),
        error: app.settings_error.as_ref(),
    }
}

fn sandbox_page(session: &Session) -> Element<'_, Message> {
    match &session.sandbox {
        Some(sandbox) => sandbox.view(&session.masternodes).map(Message::Sandbox),
        None => no_sandbox(),
    }
}

fn no_sandbox<'a>() -> Element<'a, Message> {
    let words = column![
        heading("The sandbox is not running"),
        body(
            "A small chain, a node, a Ledger and a Trezor inside this program, to try everything without money. Switching leaves the present connection."
        ),
        primary_button("Switch to the sandbox").on_press(Message::TrySandbox)
    ];
    page("Sandbox", space(), card(words.spacing(Gap::M)))
}

fn connecting<'a>(choice: &Choice) -> Element<'a, Message> {
    page(
        "Masternodes",
        space(),
        card(muted(format!("Connecting to {}…", place(choice)))),
    )
}

fn down<'a>(choice: &Choice, error: &crate::flow::Error) -> Element<'a, Message> {
    let buttons = row![
        primary_button("Retry").on_press(Message::Retry),
        secondary_button("Change the connection").on_press(Message::Go(Page::Settings))
    ];
    let words = column![
        heading(format!("No connection to {}", place(choice))),
        error_notice(error),
        buttons.spacing(Gap::S)
    ];
    page("Masternodes", space(), card(words.spacing(Gap::M)))
}

fn unconnected<'a>() -> Element<'a, Message> {
    let words = column![
        heading("Not connected"),
        muted("Choose a node in the settings, or try the sandbox."),
        row![
            primary_button("Connect a node").on_press(Message::Go(Page::Settings)),
            secondary_button("Try the sandbox").on_press(Message::TrySandbox)
        ]
        .spacing(Gap::S)
    ];
    page("Masternodes", space(), card(words.spacing(Gap::M)))
}

/// Where a choice leads: `dash at http://..`, `the sandbox`.
fn place(choice: &Choice) -> String {
    match &choice.node {
        NodeChoice::Sandbox { .. } => format!("the sandbox ({})", choice.profile.name),
        NodeChoice::Remote { url, .. } => format!("{} at {url}", choice.profile.name),
    }
}

fn status_bar(app: &App) -> Element<'_, Message> {
    let content = match &app.link {
        Link::Up(session) => session_status(session),
        Link::Connecting { choice, .. } => status_row(Tone::Neutral, format!("Connecting to {}", place(choice)), false),
        Link::Down { error, .. } => status_row(Tone::Bad, advice::sentence(error), true),
        Link::None => status_row(Tone::Neutral, "Not connected".to_owned(), false),
    };
    let bar = container(content)
        .padding([0.0, Gap::M])
        .center_y(34)
        .width(Length::Fill)
        .style(|theme: &Theme| container::Style {
            border: Border::default(),
            ..plain(theme, colors(theme).sidebar)
        });
    column![rule::horizontal(1).style(line), bar].into()
}

fn line(theme: &Theme) -> rule::Style {
    rule::Style {
        color: colors(theme).border,
        radius: 0.0.into(),
        fill_mode: rule::FillMode::Full,
        snap: true,
    }
}

fn session_status(session: &Session) -> Element<'_, Message> {
    let (device, tone) = session.device.summary();
    let device = row![dot(tone), help(device)].spacing(Gap::S).align_y(iced::Center);
    let network = session.ports().profile.name.as_str();
    let left = match &session.node {
        NodeView::Asking => row![dot(Tone::Neutral), help(network), help("asking the node…")],
        NodeView::Up(status) => row![
            dot(if status.synced { Tone::Good } else { Tone::Warning }),
            help(network),
            help(status.subversion.trim_matches('/').to_owned()),
            help(format!("Block {}", format::height(status.tip.height))),
            help(if status.synced {
                String::new()
            } else {
                format!(
                    "loading blocks, {} to go",
                    format::grouped(status.headers.saturating_sub(status.tip.height))
                )
            })
        ],
        NodeView::Down(error) => row![
            dot(Tone::Bad),
            help(network),
            toned(advice::sentence(error), Tone::Bad).size(Size::SMALL),
            text_button("Retry").on_press(Message::Retry)
        ],
    };
    row![left.spacing(Gap::M).align_y(iced::Center).width(Length::Fill), device]
        .spacing(Gap::M)
        .align_y(iced::Center)
        .into()
}

fn status_row<'a>(tone: Tone, words: String, retry: bool) -> Element<'a, Message> {
    let mut content = row![dot(tone), help(words).width(Length::Fill)]
        .spacing(Gap::S)
        .align_y(iced::Center);
    if retry {
        content = content.push(text_button("Retry").on_press(Message::Retry));
    }
    content.into()
}
