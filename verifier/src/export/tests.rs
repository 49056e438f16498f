use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use proptest::prelude::*;

use super::model::Renumber;
use super::*;

/// A step in making an export: what is made, and three numbers from which its parts are chosen.
type Step = (u8, u32, u32, u32);

fn choose(number: u32, count: usize) -> u32 {
    number % u32::try_from(count).unwrap()
}

/// Some export, without sense but well-formed.
fn made_of(steps: &[Step], word: &str) -> Export {
    let mut export = Export::new(ExportingLean { version: "4.28.0".into(), githash: word.into() });
    for &(kind, a, b, c) in steps {
        let (name, level) = (choose(a, export.names.len()), choose(b, export.levels.len()));
        let exprs = export.exprs.len().max(1);
        let [x, y, z] = [a, b, c].map(|number| choose(number, exprs));
        let made = match kind % 16 {
            0 => export.intern_name(Name::Str(StrName { pre: name, str: format!("{word}{c}\n\"λ") })),
            1 => export.intern_name(Name::Num(NumName { pre: name, i: u64::from(c) << 20 })),
            2 => export.intern_level(Level::Succ(level)),
            3 => export.intern_level(Level::Max([level, choose(c, export.levels.len())])),
            4 => export.intern_level(Level::Imax([level, choose(c, export.levels.len())])),
            5 => export.intern_level(Level::Param(name)),
            6 => export.intern_expr(Expr::Sort(level)),
            7 => export.intern_expr(Expr::Bvar(c % 100)),
            8 => export.intern_expr(Expr::NatVal(c.to_string())),
            9 => export.intern_expr(Expr::StrVal(format!("{word} {c}"))),
            10 => export.intern_expr(Expr::Const(Const { name, us: vec![level; (c % 3) as usize] })),
            _ if export.exprs.is_empty() => continue,
            11 => export.intern_expr(Expr::App(App { r#fn: x, arg: y })),
            12 => {
                let binder = Binder { name, r#type: x, body: y, binder_info: BinderInfo::InstImplicit };
                export.intern_expr(if c % 2 == 0 { Expr::Lam(binder) } else { Expr::ForallE(binder) })
            }
            13 => export.intern_expr(Expr::LetE(Let { name, r#type: x, value: y, body: z, nondep: false })),
            14 => export.intern_expr(Expr::Proj(Proj { type_name: name, idx: c % 5, r#struct: x })),
            _ => {
                declare(&mut export, c, name, [x, y]);
                continue;
            }
        };
        made.unwrap();
    }
    export
}

fn declare(export: &mut Export, kind: u32, name: u32, [r#type, value]: [u32; 2]) {
    let (level_params, all) = (vec![choose(kind, export.names.len())], vec![name]);
    let hints = if kind.is_multiple_of(2) { Hints::Abbrev } else { Hints::Regular(kind) };
    let made = match kind % 4 {
        0 => Declaration::Axiom(Axiom { name, level_params, r#type, is_unsafe: false }),
        1 => Declaration::Def(Def { name, level_params, r#type, value, hints, safety: Safety::Safe, all }),
        2 => Declaration::Opaque(Opaque { name, level_params, r#type, value, is_unsafe: false, all }),
        _ => Declaration::Thm(Thm { name, level_params, r#type, value, all }),
    };
    export.declare(made);
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    prop::collection::vec(any::<Step>(), 1..120)
}

fn read(text: &str) -> Result<Export, ExportError> {
    Export::read(text.as_bytes())
}

/// Hashes of what things mean, whatever their numbers are.
struct Meanings {
    names: Vec<u32>,
    levels: Vec<u32>,
    exprs: Vec<u32>,
}

impl Renumber for Meanings {
    type Error = ();

    fn name(&self, id: u32) -> Result<u32, ()> {
        self.names.get(id as usize).copied().ok_or(())
    }

    fn level(&self, id: u32) -> Result<u32, ()> {
        self.levels.get(id as usize).copied().ok_or(())
    }

    fn expr(&self, id: u32) -> Result<u32, ()> {
        self.exprs.get(id as usize).copied().ok_or(())
    }
}

fn hashed(thing: &impl Hash) -> u32 {
    let mut hasher = DefaultHasher::new();
    thing.hash(&mut hasher);
    u32::try_from(hasher.finish() >> 32).unwrap()
}

/// The meaning of each declaration by its first name.
fn meanings(export: &Export) -> BTreeMap<String, u32> {
    let mut known = Meanings { names: Vec::new(), levels: Vec::new(), exprs: Vec::new() };
    for name in &export.names {
        known.names.push(hashed(&name.clone().renumber(&known).unwrap()));
    }
    for level in &export.levels {
        known.levels.push(hashed(&level.clone().renumber(&known).unwrap()));
    }
    for expr in &export.exprs {
        known.exprs.push(hashed(&expr.clone().renumber(&known).unwrap()));
    }
    let declarations = export.declarations.iter();
    declarations
        .map(|it| (export.name(it.names()[0]), hashed(&it.clone().renumber(&known).unwrap())))
        .collect()
}

proptest! {
    #[test]
    fn what_is_written_is_read_back(steps in steps()) {
        let export = made_of(&steps, "a");
        let again = read(&export.to_text()).unwrap();
        prop_assert_eq!(&again.origin, &export.origin);
        prop_assert_eq!(&again.names, &export.names);
        prop_assert_eq!(&again.levels, &export.levels);
        prop_assert_eq!(&again.exprs, &export.exprs);
        prop_assert_eq!(&again.declarations, &export.declarations);
        prop_assert_eq!(again.to_text(), export.to_text());
    }

    #[test]
    fn two_become_one_without_a_change_of_meaning(one in steps(), two in steps()) {
        let (one, two) = (made_of(&one, "a"), made_of(&two, "b"));
        // They may share the name without parts, and nothing else.
        let clash = one.declared.contains_key(&0) && two.declared.contains_key(&0);
        let mut both = one.clone();
        if let Err(error) = both.append(&two) {
            prop_assert!(clash, "{}", error);
            return Ok(());
        }
        let mut expected = meanings(&one);
        expected.extend(meanings(&two));
        prop_assert_eq!(meanings(&both), expected);
        let again = read(&both.to_text()).unwrap();
        prop_assert_eq!(meanings(&again), meanings(&both));
        // Once more changes nothing.
        both.append(&two).unwrap();
        prop_assert_eq!(both.declarations.len(), again.declarations.len());
    }

    #[test]
    fn the_same_fits_beside_itself_below_other_words(steps in steps()) {
        let export = made_of(&steps, "a");
        let mut both = Export::default();
        both.append_below(&export, &["stp", "1"]).unwrap();
        both.append_below(&export, &["stp", "2"]).unwrap();
        prop_assert_eq!(both.declarations.len(), 2 * export.declarations.len());
        for declaration in &export.declarations {
            let name = export.name(declaration.names()[0]);
            for word in ["stp.1", "stp.2"] {
                let below = if declaration.names()[0] == 0 { word.to_owned() } else { format!("{word}.{name}") };
                prop_assert!(both.declares(&below), "{}", below);
            }
        }
        read(&both.to_text()).unwrap();
    }

    #[test]
    fn no_text_is_too_strange_to_be_refused(steps in steps(), place in any::<prop::sample::Index>(), strange in ".{0,3}") {
        let text = made_of(&steps, "a").to_text();
        let mut places: Vec<_> = text.char_indices().map(|(place, _)| place).collect();
        places.push(text.len());
        let at = places[place.index(places.len())];
        let _ = read(&format!("{}{strange}{}", &text[..at], &text[at..]));
        let _ = read(&text[..at]);
    }
}

const META: &str = r#"{"meta":{"exporter":{"name":"e","version":"1"},"lean":{"githash":"g","version":"4"},"format":{"version":"3.1.0"}}}"#;

fn refusal(rows: &[&str]) -> String {
    let text: Vec<_> = [META].iter().chain(rows).copied().collect();
    read(&text.join("\n")).unwrap_err().to_string()
}

#[test]
fn lines_that_are_not_well_formed_are_refused_with_their_number() {
    let cases: [(&[&str], &str); 16] = [
        (&[r#"{"in":2,"str":{"pre":0,"str":"a"}}"#], "name 2 stands where 1 should"),
        (&[r#"{"in":1,"str":{"pre":1,"str":"a"}}"#], "no name 1 before it"),
        (&[r#"{"in":1,"str":{"pre":0,"str":"a","more":1}}"#], "unknown field"),
        (&[r#"{"in":1,"str":{"pre":0,"str":"a"},"num":{"pre":0,"i":1}}"#], "two things"),
        (&[r#"{"in":1,"il":1,"succ":0}"#], "two numbers"),
        (&[r#"{"in":1,"succ":0}"#], "does not fit"),
        (&[r#"{"in":-1,"str":{"pre":0,"str":"a"}}"#], "invalid value"),
        (&[r#"{"in":1e9,"str":{"pre":0,"str":"a"}}"#], "invalid type"),
        (&[r#"{"ie":0,"app":{"fn":0,"arg":0}}"#], "no expression 0 before it"),
        (&[r#"{"ie":0,"bvar":1048576}"#], "out of range"),
        (&[r#"{"ie":0,"natVal":"1e9"}"#], "plain digits"),
        (&[r#"{"ie":0,"natVal":"007"}"#], "plain digits"),
        (&[r#"{"ie":0,"bvar":0}"#, META], "the first line, and no other"),
        (
            &[r#"{"ie":0,"bvar":0}"#, r#"{"axiom":{"name":0,"levelParams":[],"type":1,"isUnsafe":false}}"#],
            "line 3",
        ),
        (&[r#"{"inductive":{"types":[],"ctors":[],"recs":[]}}"#], "declares nothing"),
        (&["[]"], "line 2"),
    ];
    for (rows, expected) in cases {
        let found = refusal(rows);
        assert!(found.contains(expected), "{rows:?}: {found}");
    }
    let axiom = r#"{"axiom":{"name":0,"levelParams":[],"type":0,"isUnsafe":false}}"#;
    assert!(refusal(&[r#"{"ie":0,"bvar":0}"#, axiom, axiom]).contains("declared twice"));
    assert!(read("").unwrap_err().to_string().contains("empty"));
    assert!(read(&META.replace("3.1.0", "2.0.0")).unwrap_err().to_string().contains("2.0.0"));
    assert!(read(r#"{"in":1,"str":{"pre":0,"str":"a"}}"#).is_err());
}

#[test]
fn metadata_and_hints_without_meaning_make_no_second_expression() {
    let rows = [
        META,
        r#"{"ie":0,"sort":0}"#,
        r#"{"ie":1,"mdata":{"data":{"a":"b"},"expr":0}}"#,
        r#"{"ie":2,"letE":{"name":0,"type":0,"value":1,"body":0,"nondep":true}}"#,
        r#"{"ie":3,"letE":{"name":0,"type":1,"value":0,"body":1,"nondep":false}}"#,
        r#"{"axiom":{"name":0,"levelParams":[],"type":3,"isUnsafe":false}}"#,
    ];
    let export = read(&rows.join("\n")).unwrap();
    assert_eq!(export.exprs.len(), 2);
    assert_eq!(export.axioms(), [""]);
    assert!(!export.to_text().contains("mdata"));
}

#[test]
fn a_name_with_two_declarations_is_a_conflict() {
    let export = |level: u32| {
        let rows = [
            META.to_owned(),
            r#"{"in":1,"str":{"pre":0,"str":"f"}}"#.to_owned(),
            r#"{"il":1,"succ":0}"#.to_owned(),
            format!(r#"{{"ie":0,"sort":{level}}}"#),
            r#"{"axiom":{"name":1,"levelParams":[],"type":0,"isUnsafe":false}}"#.to_owned(),
        ];
        read(&rows.join("\n")).unwrap()
    };
    let mut joined = export(0);
    joined.append(&export(0)).unwrap();
    assert_eq!(joined.declarations.len(), 1);
    assert!(matches!(joined.append(&export(1)), Err(ExportError::Conflict(name)) if name == "f"));
}

#[test]
fn a_part_holds_what_its_constants_need_and_no_more() {
    let rows = [
        META,
        r#"{"in":1,"str":{"pre":0,"str":"a"}}"#,
        r#"{"in":2,"str":{"pre":0,"str":"b"}}"#,
        r#"{"in":3,"str":{"pre":0,"str":"c"}}"#,
        r#"{"ie":0,"sort":0}"#,
        r#"{"axiom":{"name":1,"levelParams":[],"type":0,"isUnsafe":false}}"#,
        r#"{"ie":1,"const":{"name":1,"us":[]}}"#,
        r#"{"ie":2,"natVal":"7"}"#,
        r#"{"thm":{"name":2,"levelParams":[],"type":0,"value":1,"all":[2]}}"#,
        r#"{"thm":{"name":3,"levelParams":[],"type":0,"value":2,"all":[3]}}"#,
    ];
    let export = read(&rows.join("\n")).unwrap();
    let declared = |part: &Export| ["a", "b", "c"].map(|name| part.declares(name));
    let part = export.only(&["b".to_owned()]).unwrap();
    assert_eq!((declared(&part), part.exprs.len()), ([true, true, false], 2));
    let part = read(&export.only(&["c".to_owned(), "d".to_owned()]).unwrap().to_text()).unwrap();
    assert_eq!((declared(&part), part.exprs.len()), ([false, false, true], 2));
}

#[test]
fn what_is_mentioned_and_not_declared_is_missing() {
    let rows = [
        META,
        r#"{"in":1,"str":{"pre":0,"str":"Nat"}}"#,
        r#"{"in":2,"str":{"pre":1,"str":"zero"}}"#,
        r#"{"ie":0,"const":{"name":2,"us":[]}}"#,
        r#"{"ie":1,"const":{"name":1,"us":[]}}"#,
        r#"{"axiom":{"name":2,"levelParams":[],"type":1,"isUnsafe":false}}"#,
    ];
    let export = read(&rows.join("\n")).unwrap();
    assert_eq!(export.missing(), ["Nat"]);
    assert!(export.declares("Nat.zero") && !export.declares("Nat"));
}
