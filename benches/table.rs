//! The list of all masternodes: made ready, sorted by each column, filtered as one types: `cargo bench --bench table`.
//!
//! To stay below 5 ms for 4,000 rows and below 80 ms for 100,000 (sorting, filtering). The table is for eyes; nothing fails here.

mod made;

use std::hint::black_box;
use std::sync::Arc;

use castellan::ui::screen::network::{Model, OFFERED, Sort};
use castellan::ui::widget::table::Direction;
use criterion::{Criterion, criterion_group, criterion_main};

/// What is typed, from what is in most rows to what is in none.
const FILTERS: [&str; 5] = ["enabled", "banned evo", "45.76", "7f3a", "nowhere at all"];

fn table(c: &mut Criterion) {
    for count in [4_000, 100_000] {
        let overview = made::overview(count);
        let model = Model::new(Arc::clone(&overview), made::profile(), None);
        let mut group = c.benchmark_group(format!("{count} rows"));
        group.sample_size(10);
        group.bench_function("make ready", |b| {
            b.iter(|| Model::new(Arc::clone(&overview), made::profile(), None))
        });
        group.bench_function("make ready for the next block", |b| {
            b.iter(|| Model::new(Arc::clone(&overview), made::profile(), Some(&model)))
        });
        for column in OFFERED {
            let sort = Sort {
                column,
                direction: Direction::Descending,
            };
            group.bench_function(format!("sort by {}", column.key()), |b| {
                b.iter(|| model.sorted(black_box(sort)))
            });
        }
        let order: Vec<u32> = (0..count).collect();
        for filter in FILTERS {
            group.bench_function(format!("filter '{filter}'"), |b| {
                b.iter(|| model.filtered(&order, black_box(filter)))
            });
        }
        group.finish();
    }
}

criterion_group!(benches, table);
criterion_main!(benches);
