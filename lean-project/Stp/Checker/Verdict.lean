import Stp.Checker.Axioms
import Stp.Checker.Premises
import Stp.Checker.Statement

/-!
Verdicts: which theorems of an export are proved, in the clean environment of the request.
-/

open Lean

namespace Stp.Checker

/-- What a kernel takes the meaning of from the name alone: an environment without them is not to be judged in. -/
def needed : List Name := [
  `Nat, `Nat.succ, `Nat.add, `Nat.sub, `Nat.mul, `Nat.div, `Nat.mod, `Nat.gcd, `Nat.beq, `Nat.ble, `Nat.land, `Nat.lor,
  `Nat.xor, `Nat.shiftLeft, `Nat.shiftRight, `Nat.pow, `Nat.log2, `Bool.true, `Bool.false, `List.nil, `List.cons, `Char.ofNat,
  `String, `String.ofList, `Eq, `Quot, `Quot.mk, `Quot.lift, `Quot.ind, `propext, `Quot.sound, `Classical.choice, `sorryAx,
  `Lean.reduceBool, `Lean.reduceNat, `Lean.ofReduceBool, `Lean.ofReduceNat]

structure Session where
  session : Stp.Session
  memories : IO.Ref (List (String × IO.Ref Memory))

/-- The clean environment of a request, or why it has none. -/
structure Base where
  env : Kernel.Environment
  /-- What the imports alone declare. -/
  imported : Kernel.Environment
  memory : IO.Ref Memory
  errors : List String

def lacking (env : Kernel.Environment) : Option String := Id.run do
  for name in needed do
    if (env.find? name).isNone then
      return some s!"{nameText name} is missing: the imports must hold all of Init"
  return none

def baseOf (session : Session) (request : Json) : IO Base := do
  let source := if has request "imports" then text request "imports" else text request "header"
  let header ← headerOf session.session source
  let env := header.state.env.toKernelEnv
  let memory ← kept session.memories source do IO.mkRef { problem := lacking env }
  let mut errors := header.errors
  if let some problem := (← memory.get).problem then
    if errors matches [] then
      errors := [problem]
  if has request "imports" && !isBlank (← split source).rest then
    errors := ["the imports hold more than imports"]
  return { env, imported := header.imported.env.toKernelEnv, memory, errors }

def verdictFields (name status : String) (messages : List String) (fingerprint : Json) (axioms : List String := [])
    (uses : List String := []) (named : List String := []) (implicit : List String := []) : Json :=
  Json.mkObj [
    ("uses", strings uses),
    ("name", .str name), ("status", .str status), ("messages", strings messages), ("axioms", strings axioms),
    ("premises", strings named), ("implicit_premises", strings implicit), ("fingerprint", fingerprint)]

/-- The constant of the export that a root names, and whether it was refused. -/
def rootOf (reading : Reading) (root : String) : Option Name × Option String := Id.run do
  let mut found := none
  for (name, _) in reading.own.toList do
    if nameText name == root then
      if found.isSome then
        return (none, some s!"two declarations are printed as {root}")
      found := some name
  if found.isSome then
    return (found, none)
  for (name, reason) in reading.bad.toList do
    if nameText name == root then
      return (none, some reason)
  return (none, none)

/-- Whether the kernel takes a constant for the proof of a proposition. -/
def isProof (reading : Reading) (info : ConstantInfo) : Bool :=
  match info with
  | .thmInfo _ => true
  | .defnInfo _ | .opaqueInfo _ => Id.run do
    let mut levels := #[]
    for name in info.levelParams do
      levels := levels.push (Level.param name)
    let name := .str info.name "stp_proof"
    let copy := {
      name, levelParams := info.levelParams, type := info.type, value := .const info.name levels.toList
      all := [name] : TheoremVal }
    match reading.env.addDecl (options reading.heartbeats) (.thmDecl copy) with
    | .ok _ => return true
    | .error _ => return false
  | _ => false

/-- What tells a statement from others: its hash and the number of its universes. -/
def referenceText (hash : String) (info : ConstantInfo) : String := s!"{hash} {countOf info.levelParams}"

/-- The constants that are waiting, and all below them, which the imports do not declare. -/
partial def belowFrom (imported env : Kernel.Environment) (waiting : List Name) (found : NameMap Unit) : NameMap Unit := Id.run do
  match waiting with
  | [] => return found
  | name :: rest =>
    if found.contains name || (imported.find? name).isSome then
      return belowFrom imported env rest found
    let mut waiting := rest
    if let some info := env.find? name then
      for name in mentions env info do
        waiting := name :: waiting
    return belowFrom imported env waiting (found.insert name ())

/-- What a theorem claims. Constants that the imports lack count by their content, whoever declared them. -/
def claim (imported : Kernel.Environment) (reading : Reading) (info : ConstantInfo) : IO String := do
  let mut own : NameMap Name := {}
  for name in (below info.type.getUsedConstants.toList {}).toList do
    let group := match reading.env.find? name.1 with
      | some (.inductInfo it) => firstOf it.all name.1
      | some (.ctorInfo it) => it.induct
      | _ => name.1
    own := own.insert name.1 group
  fingerprint { reading with base := imported, own } info
where
  /-- The constants below a statement that the imports do not declare. -/
  below (waiting : List Name) (found : NameMap Unit) : NameMap Unit := belowFrom imported reading.env waiting found

def judge (session : Session) (base : Base) (reading : Reading) (request : Json) (root : String) : IO Json := do
  let memory := base.memory
  let proofless := session.session.settings.proofless
  match rootOf reading root with
  | (_, some reason) => return verdictFields root "failed" [reason] .null
  | (none, none) => return verdictFields root "rejected" ["the proof declares no theorem"] .null
  | (some name, none) =>
    let some info := reading.env.find? name
      | return verdictFields root "rejected" ["the proof declares no theorem"] .null
    if !isProof reading info then
      return verdictFields root "rejected" ["the proof does not declare a theorem"] .null
    let hash ← claim base.imported reading info
    let short := Json.str (hash.take 32).toString
    if has request "reference" then
      if text request "reference" != referenceText hash info then
        return verdictFields root "rejected" ["the theorem proved is not the statement asked for"] short
    let (found, uses) ← axiomsOf proofless reading memory name
    let axioms := sortedTexts found
    let mut bad := #[]
    for name in found do
      if !standardAxioms.contains name then
        bad := bad.push (nameText name)
    if bad.size > 0 then
      let reason := s!"it depends on {String.intercalate ", " bad.toList}"
      return verdictFields root "rejected" [reason] short axioms uses
    let (named, implicit) := premises proofless reading name (text request "proof")
    return verdictFields root "proved" [] short axioms [] named implicit

/-- One verdict for all roots, where none can be told from the others. -/
def allOf (request : Json) (status : String) (messages : List String) : Fields := Id.run do
  let mut verdicts := #[]
  for root in texts request "roots" do
    verdicts := verdicts.push (verdictFields root status messages .null)
  return [("verdicts", .arr verdicts)]

def checkAnswer (session : Session) (request : Json) : IO Fields := do
  let base ← baseOf session request
  if !(base.errors matches []) then
    return allOf request "statement_error" base.errors
  try
    let reading ← readExport base.env session.session.settings.heartbeats (text request "export")
    let mut verdicts := #[]
    for root in texts request "roots" do
      verdicts := verdicts.push (← judge session base reading request root)
    return [("verdicts", .arr verdicts)]
  catch reason => return allOf request "rejected" [toString reason]

end Stp.Checker
