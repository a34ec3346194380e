//! `pose`: how far a masternode is from a ban, and what would come of more failures.

use std::process::ExitCode;

use serde_json::{Value, json};

use super::args::PoseArgs;
use super::choices::pro_tx_hash;
use super::output::{Failure, pairs_listed};
use super::saved;
use super::session::Session;
use super::show::find;
use crate::flow::export::Table;
use crate::flow::overview::column::height_or_minus_one;
use crate::flow::overview::forecast::{Course, Impossible};
use crate::flow::overview::{Masternode, Overview, words};
use crate::flow::words::{count, grouped};
use crate::protocol::Profile;
use crate::protocol::masternode::pose::TimeToBan;

pub async fn run(session: &Session, args: PoseArgs) -> Result<ExitCode, Failure> {
    let hash = pro_tx_hash(&args.hash)?;
    let profile = session.profile()?;
    let source = saved::read(session, &args.saved, &profile).await?;
    let overview = &source.overview;
    let found = find(overview, hash)?;
    let course = match args.simulate.as_slice() {
        [] => None,
        failing => Some(overview.course(found, &profile, failing).map_err(refused)?),
    };
    let mut document = document(found, overview, &profile);
    if args.csv {
        return Ok(session.output.text(&table(document, course.as_ref()).csv()));
    }
    if let Some(course) = &course {
        document["simulation"] = simulation(course);
    }
    Ok(session.output.done(&document, || {
        let mut pairs = pairs(found, overview, &profile);
        pairs.extend(course.iter().flat_map(|course| course_pairs(course, overview)));
        pairs_listed(&pairs)
    }))
}

fn refused(impossible: Impossible) -> Failure {
    Failure::refused("simulation", impossible)
}

/// What the score is and means; times are estimates from the observed spacing of blocks.
pub fn document(masternode: &Masternode, overview: &Overview, profile: &Profile) -> Value {
    let (entry, outlook) = (&masternode.entry, &masternode.outlook);
    let hours = |blocks: u32| hours(overview, blocks);
    json!({
        "proTxHash": entry.pro_tx_hash.to_string(),
        "name": masternode.name,
        "height": overview.tip.height,
        "status": entry.status().as_text(),
        "reason": masternode.reason.map(|reason| reason.word()),
        "poseLevel": words::level(masternode.level),
        "poseMeaning": words::pose(masternode, overview),
        "posePenalty": outlook.penalty,
        "poseMax": outlook.max,
        "poseStep": outlook.step,
        "poseDangerLine": outlook.danger_line,
        "poseFailuresSurvivable": if entry.is_banned() { 0 } else { outlook.failures_survivable },
        "poseBlocksToSafe": outlook.blocks_to_safe,
        "poseHoursToSafe": hours(outlook.blocks_to_safe),
        "poseBlocksToZero": outlook.blocks_to_zero,
        "poseHoursToZero": hours(outlook.blocks_to_zero),
        "poseBanHeight": height_or_minus_one(entry.state.pose_ban_height),
        "poseRevivedHeight": height_or_minus_one(entry.state.pose_revived_height),
        "timeToBan": overview.time_to_ban(masternode, profile).map(|time| time_to_ban(&time, overview)),
    })
}

/// Only a model: which DKGs a masternode is chosen for is chance.
fn time_to_ban(time: &TimeToBan, overview: &Overview) -> Value {
    let of = |blocks: u32| json!({ "blocks": blocks, "hours": hours(overview, blocks) });
    json!({
        "estimate": true,
        "early": of(time.early),
        "likely": of(time.likely),
        "late": of(time.late),
    })
}

/// With one decimal.
fn hours(overview: &Overview, blocks: u32) -> Value {
    let tenths = overview.seconds(blocks).saturating_add(180) / 360;
    json!(tenths as f64 / 10.0)
}

fn simulation(course: &Course) -> Value {
    let point = |(height, penalty): &(u32, u32)| json!({ "height": height, "posePenalty": penalty });
    json!({
        "fails": course.fails,
        "bannedAt": course.simulation.banned_at,
        "safeFrom": course.simulation.safe_from,
        "zeroAt": course.simulation.zero_at,
        "chanceOfBan": course.chance_of_ban,
        "points": course.simulation.points.iter().map(point).collect::<Value>(),
    })
}

/// The course, point by point, or the outlook as one row.
fn table(document: Value, course: Option<&Course>) -> Table {
    let Some(course) = course else {
        return Table::of_objects(&[document]);
    };
    let mut table = Table::new(["height", "posePenalty", "failed"]);
    for (height, penalty) in &course.simulation.points {
        let failed = course.fails.contains(height);
        table.rows.push(vec![json!(height), json!(penalty), json!(failed)]);
    }
    table
}

/// Line by line, for people.
pub fn pairs(masternode: &Masternode, overview: &Overview, profile: &Profile) -> Vec<(&'static str, String)> {
    let (entry, outlook) = (&masternode.entry, &masternode.outlook);
    let mut pairs = vec![
        ("proTxHash", entry.pro_tx_hash.to_string()),
        ("name", masternode.name.clone()),
        ("type", entry.kind.to_string()),
        ("address", entry.state.service.to_string()),
        ("as of block", grouped(overview.tip.height)),
        (
            "status",
            format!("{}: {}", entry.status().as_text(), words::status(masternode)),
        ),
        (
            "PoSe",
            format!("{} of {}", grouped(outlook.penalty), grouped(outlook.max)),
        ),
    ];
    if entry.is_banned() {
        return pairs;
    }
    let failures = count(outlook.failures_survivable as usize, "failed DKG", "failed DKGs");
    pairs.extend([
        ("level", words::level(masternode.level).to_owned()),
        ("meaning", words::pose(masternode, overview)),
        (
            "danger line",
            format!(
                "{}; a failed DKG adds {}",
                grouped(outlook.danger_line),
                grouped(outlook.step)
            ),
        ),
        ("survives", failures),
        ("safe", until(outlook.blocks_to_safe, overview)),
        ("at zero", until(outlook.blocks_to_zero, overview)),
    ]);
    if let Some(time) = overview.time_to_ban(masternode, profile) {
        pairs.push(("estimate", words::time_to_ban(&time, overview)));
    }
    pairs
}

fn until(blocks: u32, overview: &Overview) -> String {
    match blocks {
        0 => "now".to_owned(),
        blocks => format!("in {}", words::blocks(blocks, overview)),
    }
}

fn course_pairs(course: &Course, overview: &Overview) -> Vec<(&'static str, String)> {
    let fails: Vec<String> = course.fails.iter().map(|height| grouped(*height)).collect();
    let simulated = match fails.as_slice() {
        [] => "no failed DKG".to_owned(),
        [one] => format!("a failed DKG in block {one}"),
        several => format!("failed DKGs in blocks {}", several.join(", ")),
    };
    let highest = course.simulation.points.iter().map(|(_, penalty)| *penalty).max();
    vec![
        ("simulated", simulated),
        ("outcome", words::course(course, overview)),
        ("highest score", highest.map(grouped).unwrap_or_default()),
    ]
}
