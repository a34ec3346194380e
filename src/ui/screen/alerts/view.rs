//! The page, from top to bottom.

use iced::widget::{Column, button, column, container, row, space};
use iced::{Background, Border, Element, Length, Theme};

use super::{Alerts, FEW, Message, State, Test, Way};
use crate::flow::alert::{Alert, Kind};
use crate::flow::watch::Lately;
use crate::flow::{self, Ports};
use crate::notify::Urgency;
use crate::protocol::Profile;
use crate::store::alerts as store;
use crate::ui::advice::explain;
use crate::ui::format;
use crate::ui::theme::{Gap, Tone, colors};
use crate::ui::widget::field::Field;
use crate::ui::widget::{
    body, dot, error_notice, help, input, muted, page, panel, primary_button, secondary_button, strong, text_button,
    tick, toned, warning,
};

pub fn view<'a>(alerts: &'a Alerts, ports: &'a Ports, settings: &'a store::Alerts) -> Element<'a, Message> {
    let applied = alerts.form.applied(settings);
    let changed = applied.as_ref() != Some(settings);
    let save = primary_button("Save").on_press_maybe((changed && applied.is_some()).then_some(Message::Save));
    let mut content = column![].spacing(Gap::M);
    for failure in &alerts.failures {
        content = content.push(warning(format!(
            "Not told by {}. {}",
            failure.sink,
            explain(&failure.error)
        )));
    }
    content = content
        .push(panel("Lately", lately(alerts, &ports.profile)))
        .push(panel("What you are told", kinds(settings)))
        .push(panel("When", hours(alerts)))
        .push(panel("Where", ways(alerts, settings)));
    page("Alerts", save, content)
}

fn lately<'a>(alerts: &'a Alerts, profile: &Profile) -> Element<'a, Message> {
    let all = match &alerts.lately {
        State::Loading => return muted("The list of masternodes is being read for the first time…").into(),
        State::Failed(error) => return error_notice(error).into(),
        State::Read(all) if all.is_empty() => {
            return muted(
                "Nothing yet. From now on it is told here what happens to your masternodes, and what happened while this program was \
                 closed.",
            )
            .into();
        }
        State::Read(all) => all,
    };
    let count = if alerts.all { all.len() } else { FEW };
    let now = flow::now();
    let lines = all.iter().take(count).map(|each| line(each, profile, now));
    let mut list = Column::with_children(lines).spacing(Gap::XS);
    if all.len() > FEW {
        let words = if alerts.all {
            "Show fewer".to_owned()
        } else {
            format!("Show all {}", format::grouped(all.len() as u64))
        };
        list = list.push(text_button(words).on_press(Message::ShowAll(!alerts.all)));
    }
    list.into()
}

/// One that is about a masternode leads to its page.
fn line<'a>(lately: &'a Lately, profile: &Profile, now: u64) -> Element<'a, Message> {
    let alert = &lately.alert;
    let when = format::relative(now, lately.at.min(now));
    let head = row![strong(alert.title()).width(Length::Fill), help(when),].spacing(Gap::M);
    let words = column![head, muted(alert.sentence(profile)).width(Length::Fill)].spacing(2);
    let mark = container(dot(tone(alert))).padding([6.0, 0.0]);
    let content = row![mark, words].spacing(Gap::M);
    let open = alert.of.as_ref().map(|of| Message::Open(of.pro_tx_hash));
    button::Button::new(content)
        .padding([Gap::S, Gap::S])
        .width(Length::Fill)
        .on_press_maybe(open)
        .style(line_style)
        .into()
}

fn line_style(theme: &Theme, status: button::Status) -> button::Style {
    let colors = colors(theme);
    let hovered = matches!(status, button::Status::Hovered | button::Status::Pressed);
    button::Style {
        background: hovered.then_some(Background::Color(colors.hover)),
        text_color: colors.text,
        border: Border {
            radius: 6.0.into(),
            ..Border::default()
        },
        ..button::Style::default()
    }
}

fn tone(alert: &Alert) -> Tone {
    match alert.urgency() {
        Urgency::Critical => Tone::Bad,
        Urgency::Normal => Tone::Warning,
        Urgency::Low if alert.kind() == Kind::Payment => Tone::Good,
        Urgency::Low => Tone::Info,
    }
}

/// Two columns of switches.
fn kinds(settings: &store::Alerts) -> Element<'_, Message> {
    let switch = |kind: &Kind| {
        let kind = *kind;
        let on = !settings.off.contains(kind.name());
        let tick = tick(on, move |on| Message::Switched(kind, on)).label(kind.label());
        column![tick, container(help(kind.help())).padding([0.0, 26.0])]
            .spacing(2)
            .into()
    };
    let (left, right) = Kind::ALL.split_at(Kind::ALL.len().div_ceil(2));
    let side = |kinds: &[Kind]| {
        Column::with_children(kinds.iter().map(switch))
            .spacing(Gap::M)
            .width(Length::FillPortion(1))
    };
    row![side(left), side(right)].spacing(Gap::L).into()
}

fn hours(alerts: &Alerts) -> Element<'_, Message> {
    let form = &alerts.form;
    let quiet = tick(form.quiet, Message::QuietSwitched).label("Quiet hours");
    let time = |name, field, id, on_edit: fn(String) -> Message| {
        let field = input(name, field, on_edit).id(id).on_submit(Message::Save);
        container(field).width(130)
    };
    let mut times = row![
        time("From", &form.from, "quiet-from", Message::FromEdited),
        time("To", &form.to, "quiet-to", Message::ToEdited),
    ]
    .spacing(Gap::M);
    times = times.push(
        container(help(
            "Nothing is sent in these hours of this computer's clock; what happened is sent as one message when they are over.",
        ))
        .padding([Gap::L, 0.0])
        .width(Length::Fill),
    );
    let minutes = container(
        input("Minutes the node may be silent", &form.minutes, Message::MinutesEdited)
            .id("node-down-minutes")
            .on_submit(Message::Save),
    )
    .width(276);
    let mut content = column![quiet].spacing(Gap::M);
    if form.quiet {
        content = content.push(times);
    }
    content.push(minutes).into()
}

fn ways<'a>(alerts: &'a Alerts, settings: &'a store::Alerts) -> Element<'a, Message> {
    let form = &alerts.form;
    let desktop = tick(settings.desktop, Message::DesktopSwitched).label("Notifications of the desktop");
    let desktop = way(alerts, Way::Desktop, container(desktop), true);
    let webhook = text_way(
        "Webhook",
        &form.webhook,
        "webhook",
        "https://example.org/alerts",
        "Every alert is posted there as JSON. The address may hold a token; it is in no log.",
        Message::WebhookEdited,
    );
    let webhook = way(alerts, Way::Webhook, webhook, is_set(&form.webhook));
    let command = text_way(
        "Command",
        &form.command,
        "command",
        "/usr/local/bin/tell --subject \"a masternode\"",
        "Run for every alert, without a shell; it reads JSON on standard input and CASTELLAN_SENTENCE in its environment.",
        Message::CommandEdited,
    );
    let command = way(alerts, Way::Command, command, is_set(&form.command));
    let remark = help("`castellan watch` tells the webhook and the command the same while no window is open.");
    column![desktop, webhook, command, remark].spacing(Gap::M).into()
}

fn is_set<T>(field: &Field<T>) -> bool {
    field.error().is_none() && !field.text().trim().is_empty()
}

fn text_way<'a, T>(
    name: &'a str,
    field: &'a Field<T>,
    id: &'static str,
    example: &'a str,
    words: &'static str,
    on_edit: fn(String) -> Message,
) -> iced::widget::Container<'a, Message> {
    let field = input(name, field, on_edit)
        .id(id)
        .placeholder(example)
        .help(words)
        .on_submit(Message::Save);
    container(field)
}

/// What is to be set, a button that tries it, and what came of that.
fn way<'a>(
    alerts: &'a Alerts,
    way: Way,
    content: iced::widget::Container<'a, Message>,
    possible: bool,
) -> Element<'a, Message> {
    let test = &alerts.tests[way as usize];
    let idle = !matches!(test, Test::Running(_));
    let send = secondary_button("Send a test").on_press_maybe((possible && idle).then_some(Message::Test(way)));
    let id = match way {
        Way::Desktop => "test-desktop",
        Way::Webhook => "test-webhook",
        Way::Command => "test-command",
    };
    // Level with the field, whose name stands above it.
    let top = if way == Way::Desktop { 0.0 } else { 20.0 };
    let send = container(send).padding(iced::Padding::default().top(top)).id(id);
    let line = row![content.width(Length::Fill), send].spacing(Gap::M);
    let outcome: Element<'_, Message> = match test {
        Test::None => return line.into(),
        Test::Running(_) => muted("Sending…").into(),
        Test::Done(Ok(())) => toned("Sent. Look whether it has arrived.", Tone::Good).into(),
        Test::Done(Err(error)) => row![toned("✗", Tone::Bad), body(explain(error)).width(Length::Fill)]
            .spacing(Gap::S)
            .into(),
    };
    column![line, outcome, space().height(0)].spacing(Gap::S).into()
}
