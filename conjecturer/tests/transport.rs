//! The re-weighting's transport against scipy's assignment and POT's optimal transport.
#![allow(clippy::unwrap_used)]

use std::path::Path;
use std::process::Command;

use rand::{Rng, RngExt};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use serde_json::{Value, json};
use stp_conjecturer::transport::{Costs, exact, nearest, sinkhorn};
use stp_tests::{clients, external};

/// Statements, conjectures, and the largest weight.
const PROBLEMS: [(usize, usize, f64); 8] = [
    (1, 1, 4.0),
    (3, 17, 4.0),
    (17, 3, 4.0),
    (40, 40, 1.0),
    (60, 25, 1.0),
    (60, 25, 4.0),
    (200, 64, 2.0),
    (150, 400, 4.0),
];

/// Vectors around a few directions, as embeddings are.
fn vectors(count: usize, generator: &mut impl Rng) -> Vec<Vec<f32>> {
    let mut vector = |around: usize| -> Vec<f32> {
        (0..16).map(|i| generator.random::<f32>() - 0.5 + if i == around { 1.5 } else { 0.0 }).collect()
    };
    (0..count).map(|index| vector(index * index % 5)).collect()
}

fn reference(problems: &Value) -> Vec<Value> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("problems.json");
    std::fs::write(&file, problems.to_string()).unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/transport.py");
    let python = clients(env!("CARGO_TARGET_TMPDIR"));
    let output = Command::new(python).arg(script).arg(&file).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn exact_costs_what_other_solvers_find_and_sinkhorn_hardly_more() {
    if !external("exact_costs_what_other_solvers_find_and_sinkhorn_hardly_more") {
        return;
    }
    let mut generator = ChaCha8Rng::seed_from_u64(11);
    let drawn: Vec<_> = PROBLEMS
        .iter()
        .map(|&(rows, columns, largest)| {
            let costs = Costs::cosine(&vectors(rows, &mut generator), &vectors(columns, &mut generator));
            (costs, largest)
        })
        .collect();
    let problem = |(costs, largest): &(Costs, f64)| {
        let (rows, columns) = costs.shape();
        json!({ "rows": rows, "columns": columns, "capacity": costs.capacity(*largest), "costs": costs.values() })
    };
    let expected = reference(&drawn.iter().map(problem).collect());
    for ((costs, largest), expected) in drawn.iter().zip(expected) {
        let [least, transport] = ["assignment", "transport"].map(|key| expected[key].as_f64().unwrap());
        let (found, split, greedy) =
            (exact(costs, *largest).cost, sinkhorn(costs, *largest).cost, nearest(costs, *largest).cost);
        println!("{:?}: {found:.5}, Sinkhorn {split:.5}, nearest {greedy:.5}", costs.shape());
        assert!((found - least).abs() < 1e-6, "{found} instead of scipy's {least}");
        assert!((found - transport).abs() < 1e-6, "{found} instead of POT's {transport}");
        assert!(split > least - 1e-3 && split < least * 1.05 + 1e-3, "{split} instead of {least}");
        assert!(greedy >= least - 1e-6);
    }
}
