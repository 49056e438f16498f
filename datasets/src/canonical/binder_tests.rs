use super::*;
use proptest::prelude::*;

fn same(a: &str, b: &str) {
    assert_eq!(canonical_statement(a), canonical_statement(b), "{a}\n{b}");
}

fn different(a: &str, b: &str) {
    assert_ne!(canonical_statement(a), canonical_statement(b), "{a}\n{b}");
}

#[test]
fn the_order_of_binders_does_not_count() {
    same("(a : Nat) (b : Int) : f a b", "(x : Int) (y : Nat) : f y x");
    same("(a b : Nat) : a < b", "(a : Nat) (b : Nat) : a < b");
    same("(a b : Nat) : a < b", "(a b : Nat) : b < a");
    same("(p q : Prop) (hp : p) (hq : q) : p ∧ q", "(q : Prop) (h : q) (p : Prop) (k : p) : p ∧ q");
    same("(f g : ∀ n, P n) : f = g", "(f : ∀ n, P n) (g : ∀ m, P m) : f = g");
    same("{α : Type} [C α] (x : α) (n : Nat) : R x n", "{β : Type} [C β] (k : Nat) (y : β) : R y k");
}

#[test]
fn what_depends_on_another_stays_behind_it() {
    assert_eq!(canonical_statement("(h : p n) (n : Nat) : q n"), "(x0 : Nat) (x1 : p n) : q x0");
    different("(n : Nat) (h : p n) : q n", "(h : p n) (n : Nat) : q n");
    // An instance that stands before a hypothesis may be the one that it uses.
    different("[BEq Nat] (x : Nat) (h : x == 1) : P", "(x : Nat) (h : x == 1) [BEq Nat] : P");
    different("(a b : Nat) (h : a < b) : Q a", "(a b : Nat) (h : a < b) : Q b");
    different("(a : Nat) : a = a", "{a : Nat} : a = a");
    different("(a b : Nat) : a = a", "(a b : Nat) : a = b");
}

#[test]
fn uncertain_scopes_keep_their_order() {
    let text = "(x : Nat) (y : Int) : let z := x; z = y";
    assert_eq!(canonical_statement(text), canonical_text(text));
    assert!(binders(text).is_none());
}

#[test]
fn many_binders_alike_take_no_time() {
    let names: Vec<_> = (0..60).map(|i| format!("a{i}")).collect();
    let key = canonical_statement(&format!("({} : Nat) : True", names.join(" ")));
    assert!(key.starts_with("(x0 : Nat) (x1 : Nat)"));
}

#[test]
fn binders_are_told_apart() {
    let (found, goal) = binders("(a b : Nat) {α} [BEq α] (h : a = b) : b = a").unwrap();
    let shown: Vec<_> =
        found.iter().map(|b| (b.open.as_str(), b.name.as_deref(), b.kind.as_deref())).collect();
    assert_eq!(
        shown,
        [
            ("(", Some("a"), Some("Nat")),
            ("(", Some("b"), Some("Nat")),
            ("{", Some("α"), None),
            ("[", None, Some("BEq α")),
            ("(", Some("h"), Some("a = b")),
        ]
    );
    assert_eq!(goal, "b = a");
}

/// Binders by type, in which `{}` is an earlier binder, and a goal.
#[derive(Clone, Debug)]
struct Statement {
    binders: Vec<(&'static str, Vec<usize>)>,
    goal: (usize, usize),
}

impl Statement {
    fn text(&self, order: &[usize], names: &[&str]) -> String {
        let fill = |kind: &str, uses: &[usize]| {
            uses.iter().fold(kind.to_owned(), |text, &used| text.replacen("{}", names[used], 1))
        };
        let binder = |&at: &usize| {
            let (kind, uses) = &self.binders[at];
            if kind.starts_with('[') {
                fill(kind, uses)
            } else {
                format!("({} : {})", names[at], fill(kind, uses))
            }
        };
        let binders: Vec<_> = order.iter().map(binder).collect();
        format!("{} : Q {} {}", binders.join(" "), names[self.goal.0], names[self.goal.1])
    }

    fn is_instance(&self, at: usize) -> bool {
        self.binders[at].0.starts_with('[')
    }

    fn allowed(&self, order: &[usize]) -> bool {
        let place = |of: usize| order.iter().position(|&at| at == of).unwrap();
        (0..order.len()).all(|at| {
            self.binders[at].1.iter().all(|&used| place(used) < place(at))
                && (0..at).all(|other| {
                    !(self.is_instance(at) || self.is_instance(other)) || place(other) < place(at)
                })
        })
    }

    fn orders(&self) -> Vec<Vec<usize>> {
        let mut orders = vec![Vec::new()];
        for at in 0..self.binders.len() {
            let longer = |order: Vec<usize>| {
                (0..=order.len()).map(move |place| {
                    let mut order = order.clone();
                    order.insert(place, at);
                    order
                })
            };
            orders = orders.into_iter().flat_map(longer).collect();
        }
        orders.retain(|order| self.allowed(order));
        orders
    }

    /// The least canonical text of all orders: equal exactly for what is equal up to the order of binders.
    fn brute_force(&self, names: &[&str]) -> String {
        self.orders().iter().map(|order| canonical_text(&self.text(order, names))).min().unwrap()
    }
}

fn statement() -> impl Strategy<Value = Statement> {
    let kinds = prop_oneof![
        4 => Just("T"),
        1 => Just("F {}"),
        2 => Just("{} < {}"),
        1 => Just("∀ z, R z {}"),
        1 => Just("[C]"),
    ];
    (
        proptest::collection::vec((kinds, any::<[prop::sample::Index; 2]>()), 1..5),
        any::<[prop::sample::Index; 2]>(),
    )
        .prop_map(|(drawn, goal)| {
            let mut binders: Vec<(&'static str, Vec<usize>)> = Vec::new();
            for (at, (kind, uses)) in drawn.into_iter().enumerate() {
                let kind = if at == 0 { "T" } else { kind };
                let wanted = kind.matches("{}").count();
                let earlier: Vec<_> = (0..at).filter(|&i| !binders[i].0.starts_with('[')).collect();
                binders
                    .push((kind, uses[..wanted].iter().map(|i| earlier[i.index(earlier.len())]).collect()));
            }
            let named: Vec<_> = (0..binders.len()).filter(|&i| !binders[i].0.starts_with('[')).collect();
            let goal = (named[goal[0].index(named.len())], named[goal[1].index(named.len())]);
            Statement { binders, goal }
        })
}

const NAMES: [&str; 5] = ["a", "b", "c", "d", "e"];
const OTHERS: [&str; 5] = ["x1", "h₁", "α", "a", "n"];

proptest! {
    #[test]
    fn every_order_has_the_same_key(statement in statement(), place in any::<prop::sample::Index>()) {
        let orders = statement.orders();
        let first: Vec<_> = (0..statement.binders.len()).collect();
        let order = &orders[place.index(orders.len())];
        prop_assert_eq!(
            canonical_statement(&statement.text(&first, &NAMES)),
            canonical_statement(&statement.text(order, &OTHERS))
        );
    }

    #[test]
    fn equal_keys_are_equal_statements(a in statement(), b in statement()) {
        let text = |it: &Statement| it.text(&(0..it.binders.len()).collect::<Vec<_>>(), &NAMES);
        prop_assert_eq!(
            canonical_statement(&text(&a)) == canonical_statement(&text(&b)),
            a.brute_force(&NAMES) == b.brute_force(&NAMES),
            "{}\n{}", text(&a), text(&b)
        );
    }

    #[test]
    fn keys_are_their_own(statement in statement()) {
        let key = canonical_statement(&statement.text(&(0..statement.binders.len()).collect::<Vec<_>>(), &NAMES));
        prop_assert_eq!(canonical_statement(&key), key);
    }

    #[test]
    fn no_text_is_too_strange_for_binders(text in "[(){}\\[\\]:,a-c ∀→=]{0,30}") {
        let key = canonical_statement(&text);
        prop_assert_eq!(canonical_statement(&key), key);
        let _ = binders(&text);
    }
}
