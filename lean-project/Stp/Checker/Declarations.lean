import Stp.Checker.Export

/-!
Declarations of an export, each given to the kernel on top of a clean environment.
-/

open Lean

namespace Stp.Checker

/-- The kernel asks the compiler for these, which must not run in this process. -/
def compiled : List Name := [`Lean.reduceBool, `Lean.reduceNat]

def kernelReason : Kernel.Exception → String
  | .unknownConstant _ name => s!"unknown constant {nameText name}"
  | .alreadyDeclared _ name => s!"{nameText name} is declared already"
  | .declTypeMismatch .. => "declaration type mismatch"
  | .declHasMVars .. => "declaration has metavariables"
  | .declHasFVars .. => "declaration has free variables"
  | .funExpected .. => "function expected"
  | .typeExpected .. => "type expected"
  | .letTypeMismatch .. => "let type mismatch"
  | .exprTypeMismatch .. => "type mismatch"
  | .appTypeMismatch .. => "application type mismatch"
  | .invalidProj .. => "invalid projection"
  | .thmTypeIsNotProp .. => "the type of a theorem must be a proposition"
  | .other reason => reason
  | .deterministicTimeout => "deterministic timeout"
  | .excessiveMemory => "excessive memory"
  | .deepRecursion => "deep recursion"
  | .interrupted => "interrupted"

def options (heartbeats : Nat) : Options := KVMap.setNat {} `maxHeartbeats heartbeats

/-- Why a declaration with these parts is not even shown to the kernel. -/
def obstacle (parts : List Expr) (within : List Name) : M (Option String) := do
  let state ← get
  for part in parts do
    if part.hasLooseBVars || part.hasFVar || part.hasMVar then
      return some "the declaration has open ends"
    for name in part.getUsedConstants.toList do
      if compiled.contains name then
        return some s!"it uses {nameText name}, which runs compiled code"
      if state.bad.contains name then
        return some s!"depends on `{nameText (userName name)}`, which failed"
      if (state.env.find? name).isNone && !within.contains name then
        return some s!"unknown constant {nameText name}"
  return none

def firstOf {α : Type} (items : List α) (otherwise : α) : α :=
  match items with
  | first :: _ => first
  | [] => otherwise

/-- Gives a declaration of some names to the kernel, unless the clean environment has them. -/
def add (names : List Name) (parts : List Expr) (isSafe : Bool) (declaration : Declaration) : M Unit := do
  let state ← get
  let group := firstOf names .anonymous
  let mut known := 0
  for name in names do
    if (state.base.find? name).isSome then
      known := known + 1
    else if (state.env.find? name).isSome || state.bad.contains name then
      malformed s!"{nameText name} is declared twice"
  -- Its own version counts: nothing of the export takes the place of what was there before.
  if known > 0 then
    return
  let refuse (reason : String) : M Unit := do
    for name in names do
      modify fun s => { s with bad := s.bad.insert name reason }
  if !isSafe then
    return ← refuse "it is unsafe or partial"
  if let some reason ← obstacle parts names then
    return ← refuse reason
  match state.env.addDecl (options state.heartbeats) declaration with
  | .error reason => refuse s!"(kernel) {nameText (userName group)}: {kernelReason reason}"
  | .ok env =>
    modify fun s => { s with env }
    for name in names do
      modify fun s => { s with own := s.own.insert name group }

def hintsAt (record : Json) : M ReducibilityHints := do
  match ← field record "hints" with
  | .str "opaque" => pure .opaque
  | .str "abbrev" => pure .abbrev
  | hints => pure (.regular (← naturalAt hints "regular").toUInt32)

def readInductive (record : Json) : M Unit := do
  let mut types := #[]
  let mut names := #[]
  let mut parts := #[]
  let mut isSafe := true
  let mut levelParams := []
  let mut numParams := 0
  let mut constructors : NameMap Expr := {}
  for it in ← itemsAt record "ctors" do
    constructors := constructors.insert (← nameAt it "name") (← exprAt it "type")
    if ← truthAt it "isUnsafe" then
      isSafe := false
  for it in ← itemsAt record "types" do
    let name ← nameAt it "name"
    let type ← exprAt it "type"
    levelParams ← namesAt it "levelParams"
    numParams ← naturalAt it "numParams"
    if ← truthAt it "isUnsafe" then
      isSafe := false
    names := names.push name
    parts := parts.push type
    let mut ctors := #[]
    for name in ← namesAt it "ctors" do
      match constructors.get? name with
      | some type =>
        ctors := ctors.push { name, type : Constructor }
        names := names.push name
        parts := parts.push type
      | none => malformed s!"the constructor {nameText name} is missing"
    types := types.push { name, type, ctors := ctors.toList : InductiveType }
  if types.size == 0 then
    malformed "an inductive declaration has no type"
  add names.toList parts.toList isSafe (.inductDecl levelParams numParams types.toList false)
  ownRecursors (firstOf names.toList .anonymous)
where
  /-- The kernel makes the recursors, whatever the export says of them. They belong to the declaration as well. -/
  ownRecursors (group : Name) : M Unit := do
    let state ← get
    if state.own.contains group then
      if let some (.inductInfo first) := state.env.find? group then
        let mut made := #[]
        for type in first.all do
          made := made.push (Name.str type "rec")
        for number in List.range first.numNested do
          made := made.push (Name.str group s!"rec_{number + 1}")
        for name in made.toList do
          modify fun s => { s with own := s.own.insert name group }

/-- Reads a declaration; `false` if the row is none. -/
def readDeclaration (row : Json) : M Bool := do
  if has row "inductive" then
    readInductive (← field row "inductive")
    return true
  if has row "axiom" then
    let it ← field row "axiom"
    let (name, type) := (← nameAt it "name", ← exprAt it "type")
    let value := { name, levelParams := ← namesAt it "levelParams", type, isUnsafe := false : AxiomVal }
    add [name] [type] (not (← truthAt it "isUnsafe")) (.axiomDecl value)
    return true
  if has row "thm" then
    let it ← field row "thm"
    let (name, type, value) := (← nameAt it "name", ← exprAt it "type", ← exprAt it "value")
    let theorem_ := { name, levelParams := ← namesAt it "levelParams", type, value, all := [name] : TheoremVal }
    add [name] [type, value] true (.thmDecl theorem_)
    return true
  if has row "def" then
    let it ← field row "def"
    let (name, type, value) := (← nameAt it "name", ← exprAt it "type", ← exprAt it "value")
    let definition := {
      name, levelParams := ← namesAt it "levelParams", type, value, hints := ← hintsAt it, safety := .safe
      all := [name] : DefinitionVal }
    add [name] [type, value] ((← textAt it "safety") == "safe") (.defnDecl definition)
    return true
  if has row "opaque" then
    let it ← field row "opaque"
    let (name, type, value) := (← nameAt it "name", ← exprAt it "type", ← exprAt it "value")
    let constant := {
      name, levelParams := ← namesAt it "levelParams", type, value, isUnsafe := false, all := [name] : OpaqueVal }
    add [name] [type, value] (not (← truthAt it "isUnsafe")) (.opaqueDecl constant)
    return true
  return false

def readRow (line : String) : M Unit := do
  match Json.parse line with
  | .error _ => malformed "a row is no JSON"
  | .ok row =>
    if has row "ie" then readExpr row (← naturalAt row "ie")
    else if has row "in" then readName row (← naturalAt row "in")
    else if has row "il" then readLevel row (← naturalAt row "il")
    else if !(← readDeclaration row) then
      malformed "a row is of no known kind"

def readMeta (line : String) : M Unit := do
  match Json.parse line with
  | .error _ => malformed "the first row is no JSON"
  | .ok row =>
    let version ← textAt (← field (← field row "meta") "format") "version"
    unless version.startsWith "3.1." do
      malformed s!"its format is {version}, not 3.1"

/-- Reads an export on top of an environment. -/
def readExport (base : Kernel.Environment) (heartbeats : Nat) (data : String) : IO Reading := do
  let read : M Unit := do
    match data.splitOn "\n" with
    | [] => malformed "it is empty"
    | first :: rows =>
      readMeta first
      let mut count := 0
      for row in rows do
        count := count + 1
        if count > mostRows then
          malformed "it has too many rows"
        if row != "" then
          readRow row
  let ((), reading) ← read.run { base, env := base, heartbeats }
  return reading

end Stp.Checker
