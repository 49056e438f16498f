import Stp.Checker.Declarations
import Stp.Checker.Sha256

/-!
Whether the theorem is the statement asked for.

Two statements are the same if their types are, up to bound names, binder kinds and metadata. Constants that the clean
environment has are compared by name. All others are numbered in the order in which they are met, and their
declarations are part of the text that is compared: they may be called differently, but two that are two here must be
two there.
-/

open Lean

namespace Stp.Checker

structure Canon where
  reading : Reading
  /-- What was met: groups of inductive types, and other constants. -/
  met : Array Name := #[]
  numbers : NameMap Nat := {}
  /-- The nodes of the expression under way, each once. -/
  nodes : Std.TreeMap String Nat := {}
  known : Numbers := {}
  texts : Array String := #[]

abbrev C := StateRefT Canon IO

def exactName : Name → String
  | .anonymous => ""
  | .str rest part => s!"{exactName rest}.{(Json.str part).compress}"
  | .num rest part => s!"{exactName rest}.{part}"

/-- A place in a list, or its length. -/
def placeIn (name : Name) : List Name → Nat
  | [] => 0
  | first :: rest => if first == name then 0 else placeIn name rest + 1

def levelText (params : List Name) : Level → String
  | .zero => "0"
  | .succ l => s!"s{levelText params l}"
  | .max a b => s!"m({levelText params a},{levelText params b})"
  | .imax a b => s!"i({levelText params a},{levelText params b})"
  | .param name => s!"p{placeIn name params}"
  | .mvar _ => "?"

/-- The group of a constant of the export and its place there. -/
def memberOf (reading : Reading) (name : Name) : Option (Name × String) :=
  match reading.own.get? name with
  | none => none
  | some group =>
    match reading.env.find? group with
    | some (.inductInfo first) => Id.run do
      let mut index := 0
      for type in first.all do
        if type == name then
          return some (group, s!"t{index}")
        if let some (.inductInfo type) := reading.env.find? type then
          let place := placeIn name type.ctors
          if type.ctors.contains name then
            return some (group, s!"t{index}c{place}")
        index := index + 1
      -- A recursor: its last part says which.
      return some (group, match name with
        | .str type part => s!"t{placeIn type first.all}{part}"
        | _ => "?")
    | _ => some (group, "")

def constantText (name : Name) : C String := do
  match memberOf (← get).reading name with
  | none => return s!"c{exactName name}"
  | some (group, place) =>
    let number ← match (← get).numbers.get? group with
      | some number => pure number
      | none => do
        let number := (← get).met.size
        modify fun s => { s with numbers := s.numbers.insert group number, met := s.met.push group }
        pure number
    return s!"o{number}{place}"

partial def node (params : List Name) (e : Expr) : C Nat := do
  if let some number := (← get).known.find? e then
    return number
  let go := node params
  let written ← match e with
    | .mdata _ inner => return ← go inner
    | .bvar index => pure s!"b{index}"
    | .sort level => pure s!"S{levelText params level}"
    | .const name levels => do
      let mut written := ← constantText name
      for level in levels do
        written := s!"{written};{levelText params level}"
      pure written
    | .app f a => do pure s!"a{← go f} {← go a}"
    | .lam _ type body _ => do pure s!"l{← go type} {← go body}"
    | .forallE _ type body _ => do pure s!"f{← go type} {← go body}"
    | .letE _ type value body _ => do pure s!"t{← go type} {← go value} {← go body}"
    | .lit (.natVal value) => pure s!"n{value}"
    | .lit (.strVal value) => pure s!"L{value}"
    | .proj name index value => do pure s!"p{← constantText name}.{index} {← go value}"
    | .fvar _ | .mvar _ => throw (IO.userError "the statement has an open end")
  let number ← match (← get).nodes.get? written with
    | some number => pure number
    | none => do
      let number := (← get).nodes.size
      modify fun s => { s with
        nodes := s.nodes.insert written number
        texts := s.texts.push s!"{written.utf8ByteSize}:{written}" }
      pure number
  modify fun s => { s with known := s.known.insert e number }
  return number

/-- Adds the nodes of an expression that stands for itself. -/
def section_ (title : String) (params : List Name) (e : Expr) : C Unit := do
  modify fun s => { s with nodes := {}, known := {}, texts := s.texts.push s!"\n{title} " }
  discard <| node params e

def declarationText (number : Nat) (name : Name) : C Unit := do
  let reading := (← get).reading
  let title (kind : String) (info : ConstantInfo) : String := s!"{number} {kind} {countOf info.levelParams}"
  match reading.env.find? name with
  | some (.inductInfo first) =>
    for name in first.all do
      if let some (.inductInfo type) := reading.env.find? name then
        section_ s!"{title "type" (.inductInfo type)} {type.numParams}" type.levelParams type.type
        for name in type.ctors do
          if let some (.ctorInfo it) := reading.env.find? name then
            section_ s!"{title "constructor" (.ctorInfo it)}" it.levelParams it.type
  | some info =>
    let kind := match info with
      | .axiomInfo _ => "axiom"
      | .thmInfo _ => "theorem"
      | .opaqueInfo _ => "opaque"
      | _ => "definition"
    section_ (title kind info) info.levelParams info.type
    -- Two proofs of one statement are the same.
    match info with
    | .defnInfo it => section_ "value" it.levelParams it.value
    | .opaqueInfo it => section_ "value" it.levelParams it.value
    | _ => pure ()
  | none => pure ()

partial def declarationTexts (number : Nat) : C Unit := do
  if let some name := (← get).met[number]? then
    declarationText number name
    declarationTexts (number + 1)

/-- A hash of a statement and of all that it needs beyond the clean environment. -/
def fingerprint (reading : Reading) (info : ConstantInfo) : IO String := do
  let write : C Unit := do
    section_ s!"statement {countOf info.levelParams}" info.levelParams info.type
    declarationTexts 0
  let ((), canon) ← write.run { reading }
  return sha256 (String.join canon.texts.toList)

end Stp.Checker
