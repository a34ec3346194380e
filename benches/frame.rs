//! A frame of the list of all masternodes without a window: `cargo bench --bench frame`.
//!
//! The page is built, laid out and drawn by the software renderer at 1400x900; 100,000 rows are to cost what 100 do, below 8 ms.
//! `pixels` besides paints every pixel of the page anew, at the scale 1; a window paints only what changed. The table is for eyes;
//! nothing fails here.

mod made;

use castellan::store::settings::MasternodeTable;
use castellan::ui::screen::network::{Message, Network};
use castellan::ui::theme;
use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use futures::StreamExt;
use iced::{Color, Event, Renderer, Size, Theme, Vector, window};
use iced_test::core::renderer::{Headless, Style};
use iced_test::core::{clipboard, mouse, time};
use iced_test::renderer::graphics::text::font_system;
use iced_test::runtime::user_interface::{Cache, UserInterface};
use iced_test::runtime::{Action, task};

const SIZE: Size = Size::new(1400.0, 900.0);

/// The page with a list of so many, scrolled to its middle.
fn page(count: u32) -> Network {
    let runtime = tokio::runtime::Builder::new_multi_thread().build().expect("a runtime");
    let mut page = Network::new(&MasternodeTable::default());
    let work = page.listed(&made::overview(count), &made::profile());
    let actions = task::into_stream(work).expect("a list to put in order");
    for action in runtime.block_on(actions.collect::<Vec<_>>()) {
        if let Action::Output(message) = action {
            page.update(message);
        }
    }
    page.update(Message::Scrolled(Vector::new(0.0, count as f32 * 16.0)));
    page
}

fn renderer() -> Renderer {
    for font in theme::FONTS {
        let mut fonts = font_system().write().expect("nobody else draws");
        fonts.load_font(font.into());
    }
    let renderer = <Renderer as Headless>::new(theme::UI, theme::Size::BODY.into(), Some("tiny-skia"));
    futures::executor::block_on(renderer).expect("the software renderer")
}

/// View, layout and drawing, as a window does it after each message; what was there before is kept as a window keeps it.
fn draw(page: &Network, cache: Cache, renderer: &mut Renderer, theme: &Theme) -> Cache {
    let mut ui = UserInterface::build(page.view(), SIZE, cache, renderer);
    let now = Event::Window(window::Event::RedrawRequested(time::Instant::now()));
    let mut messages = Vec::new();
    let cursor = mouse::Cursor::Unavailable;
    let _ = ui.update(&[now], cursor, renderer, &mut clipboard::Null, &mut messages);
    let style = Style {
        text_color: Color::BLACK,
    };
    ui.draw(renderer, theme, &style, cursor);
    ui.into_cache()
}

fn frame(c: &mut Criterion) {
    let theme = theme::light();
    let mut group = c.benchmark_group("frame");
    group.sample_size(30);
    for count in [100, 100_000] {
        let page = page(count);
        let mut renderer = renderer();
        let mut cache = Some(draw(&page, Cache::default(), &mut renderer, &theme));
        group.bench_function(format!("view, layout and drawing, {count} rows"), |b| {
            b.iter(|| {
                let kept = cache.take().unwrap_or_default();
                cache = Some(draw(&page, kept, &mut renderer, &theme));
            })
        });
        let pixels = Size::new(SIZE.width as u32, SIZE.height as u32);
        group.bench_function(format!("with all pixels, {count} rows"), |b| {
            b.iter_batched(
                || (),
                |()| {
                    let kept = cache.take().unwrap_or_default();
                    cache = Some(draw(&page, kept, &mut renderer, &theme));
                    renderer.screenshot(pixels, 1.0, Color::WHITE)
                },
                BatchSize::SmallInput,
            )
        });
    }
    group.finish();
}

criterion_group!(benches, frame);
criterion_main!(benches);
