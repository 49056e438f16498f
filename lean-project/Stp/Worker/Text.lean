import Stp.Worker.Export

/-!
Whole texts: their commands, the theorems that these declare, and what Lean says of them.
-/

open Lean

namespace Stp.Worker

def position (input : Parser.InputContext) (at_ : String.Pos.Raw) : Json :=
  let place := input.fileMap.toPosition at_
  Json.mkObj [("line", natural place.line), ("column", natural place.column)]

def placeOf (place : Position) : Json :=
  Json.mkObj [("line", natural place.line), ("column", natural place.column)]

def messageFields (message : Message) : IO Json := do
  let severity := match message.severity with
    | .information => "info"
    | .warning => "warning"
    | .error => "error"
  let data ← message.data.toString
  let fields := [("severity", Json.str severity), ("pos", placeOf message.pos), ("data", .str data.trimAscii.toString)]
  return Json.mkObj <| match message.endPos with
    | some place => ("endPos", placeOf place) :: fields
    | none => fields

def messagesOf (messages : Array Message) : IO Json := do
  let mut found := #[]
  for message in messages.toList do
    found := found.push (← messageFields message)
  return .arr found

/-- The names that the declarations of a command are given in the text, with what they declare. -/
partial def declaredIn (command : Syntax) (kind : Name := .anonymous) : List (Name × Name) := Id.run do
  let mut found := #[]
  let kind := if kind.isAnonymous && command.isOfKind ``Parser.Command.declaration then command[1].getKind else kind
  if command.isOfKind ``Parser.Command.declId then
    return [(kind, command[0].getId)]
  if command.isOfKind ``Parser.Term.byTactic || command.isOfKind ``Parser.Command.declValSimple then
    return []
  for part in command.getArgs.toList do
    for pair in declaredIn part kind do
      found := found.push pair
  return found.toList

/-- An `example` with a type becomes a theorem of that name, wherever `set_option … in` and its like put it. -/
partial def named (command : Syntax) (name : Name) : Option Syntax :=
  if command.isOfKind ``Parser.Command.declaration then
    let inner := command[1]
    -- `optDeclSig` without a type has nothing to prove.
    if inner.isOfKind ``Parser.Command.example && inner[1][1].getArgs.size == 1 then
      let id := mkNode ``Parser.Command.declId #[mkIdentFrom inner[0] (`_root_ ++ name), mkNullNode]
      let signature := mkNode ``Parser.Command.declSig #[inner[1][0], inner[1][1][0]]
      let declared := mkNode ``Parser.Command.theorem #[mkAtomFrom inner[0] "theorem", id, signature, inner[2]]
      some (command.setArg 1 declared)
    else none
  else if command.isOfKind ``Parser.Command.in then
    match named command[2] name with
    | some inner => some (command.setArg 2 inner)
    | none => none
  else none

/-- Calls a function with all entries of a map of what was declared since the imports. -/
partial def localNames (node : PersistentHashMap.Node Name ConstantInfo) (found : Array Name) : Array Name := Id.run do
  let mut found := found
  match node with
  | .entries entries =>
    for entry in entries.toList do
      match entry with
      | .entry name _ => found := found.push name
      | .ref inner => found := localNames inner found
      | .null => pure ()
  | .collision names _ _ =>
    for name in names.toList do
      found := found.push name
  return found

/-- One command of a text, as far as it was found out. -/
structure Step where
  start : String.Pos.Raw
  stop : String.Pos.Raw
  /-- Theorems that it declares, by their full names. -/
  theorems : List Name
  /-- Whether it means to: one with errors may have declared none. -/
  isTheorem : Bool
  /-- What the text calls the first; empty for an `example`. -/
  name : String
  messages : Array Message

structure Reading where
  state : Elab.Command.State
  steps : Array Step := #[]
  declared : NameMap Unit := {}
  examples : Nat := 0

def hasErrors (messages : Array Message) : Bool := Id.run do
  for message in messages.toList do
    if isError message then
      return true
  return false

/-- What a command declared, which theorems its author would say that it has, and what it calls the first. -/
structure Described where
  declares : List Name
  theorems : List Name
  isTheorem : Bool
  name : String

def describe (reading : Reading) (command : Syntax) (after : Elab.Command.State) (currentNamespace : Name) :
    Described := Id.run do
  let kernel := after.env.toKernelEnv
  let mut new := #[]
  for name in (localNames kernel.constants.map₂.root #[]).toList do
    if !reading.declared.contains name then
      new := new.push name
  let mut theorems := #[]
  let mut meant := false
  let mut called := ""
  for (kind, given) in declaredIn command do
    let rooted := given.replacePrefix `_root_ .anonymous
    let full := if rooted == given then currentNamespace ++ given else rooted
    let mut declared := none
    for name in new.toList do
      if userName name == full then
        declared := some name
    let isTheorem := match declared with
      | some name => (kernel.find? name matches some (.thmInfo _))
      | none => kind == ``Parser.Command.theorem || kind == `lemma
    if isTheorem then
      called := if meant then called else nameText given
      meant := true
      if let some name := declared then
        theorems := theorems.push name
  return { declares := new.toList, theorems := theorems.toList, isTheorem := meant, name := called }

/-- One command, elaborated: an example as the theorem that it is, where it is one. -/
structure Elaborated where
  ran : Ran
  command : Syntax
  isExample : Bool := false

/-- A state in which a theorem gets the section's variables that its proof needs, as an example does, and not only those of
its type. -/
def withProofsVariables (state : Elab.Command.State) : Elab.Command.State :=
  match state.scopes with
  | scope :: others =>
    let scope := { scope with opts := KVMap.setBool scope.opts `deprecated.oldSectionVars true }
    { state with scopes := scope :: others }
  | [] => state

def elaborateStep (input : Parser.InputContext) (start : String.Pos.Raw) (command : Syntax) (parsing : MessageLog)
    (reading : Reading) : IO Elaborated := do
  match named command (freeName reading.state.env (reading.examples + 1)) with
  | none => return { ran := ← elaborateCommand input start command parsing reading.state, command }
  | some declared =>
    let ran ← elaborateCommand input start declared parsing (withProofsVariables reading.state)
    let ran := { ran with after := { ran.after with scopes := reading.state.scopes } }
    if !hasErrors ran.messages then
      return { ran, command := declared, isExample := true }
    -- Data, not a theorem? Then there is nothing to prove, and Lean has nothing against the example as it stands.
    let other ← elaborateCommand input start command parsing reading.state
    return { ran := other, command, isExample := hasErrors other.messages || !(← isData ran.messages) }
where
  /-- A name for an example that the text has not given to something else. -/
  freeName (env : Environment) (number : Nat) : Name := Id.run do
    for further in List.range 1000 do
      let name := Name.str .anonymous s!"stp_example_{number + further}"
      if !env.contains name then
        return name
    return .str .anonymous "stp_example"
  isData (messages : Array Message) : IO Bool := do
    for message in messages.toList do
      if let _ :: _ :: _ := (← message.data.toString).splitOn "is not a proposition" then
        return true
    return false

partial def read (input : Parser.InputContext) (parser : Parser.ModuleParserState) (reading : Reading) : IO Reading := do
  let currentNamespace := match reading.state.scopes with
    | scope :: _ => scope.currNamespace
    | [] => .anonymous
  let (command, next, parsing) := parseCommand input parser reading.state
  let done ← elaborateStep input parser.pos command parsing reading
  let found := describe reading done.command done.ran.after currentNamespace
  let isEnd := Parser.isTerminalCommand command
  let start := command.getPos?.getD parser.pos
  let step := {
    start, stop := command.getTailPos?.getD start
    theorems := found.theorems, isTheorem := found.isTheorem || done.isExample
    name := if done.isExample then "" else found.name
    messages := done.ran.messages }
  let mut declared := reading.declared
  for name in found.declares do
    declared := declared.insert name ()
  let reading := {
    state := done.ran.after, declared
    steps := if isEnd && step.messages.size == 0 then reading.steps else reading.steps.push step
    examples := if done.isExample then reading.examples + 1 else reading.examples }
  if isEnd then
    return reading
  read input next reading

def names (given : List Name) : Json := Id.run do
  let mut found := #[]
  for name in given do
    found := found.push (nameText name)
  return strings found.toList

/-- What is read of a text: its commands, or the errors of its imports. -/
def readText (session : Session) (code : String) : IO (Split × Array Step × Environment) := do
  let parts ← split code
  let imported ← imported session parts
  if !(imported.errors matches []) then
    let mut messages := #[]
    for said in imported.errors do
      messages := messages.push { fileName := "<in>", pos := ⟨1, 0⟩, data := m!"{said}" }
    let step : Step := { start := 0, stop := parts.parser.pos, theorems := [], isTheorem := false, name := "", messages }
    return (parts, #[step], imported.env)
  let state := Elab.Command.mkState imported.env {} (optionsOf session.settings)
  let reading ← read parts.input parts.parser { state }
  return (parts, reading.steps, reading.state.env)

def sourceAnswer (session : Session) (code : String) : IO Fields := do
  let (parts, steps, env) ← readText session code
  let mut roots := #[]
  for step in steps.toList do
    for name in step.theorems do
      roots := roots.push name
  let (data, failed) ← exported env roots.toList
  let mut commands := #[]
  for step in steps.toList do
    let mut messages := step.messages
    for (name, reason) in failed do
      if step.theorems.contains name then
        let pos := parts.input.fileMap.toPosition step.start
        messages := messages.push { fileName := parts.input.fileName, pos, data := m!"{reason}" }
    commands := commands.push <| Json.mkObj [
      ("pos", position parts.input step.start), ("end_pos", position parts.input step.stop),
      ("theorems", names step.theorems), ("is_theorem", .bool step.isTheorem), ("name", .str step.name),
      ("messages", ← messagesOf messages)]
  return [
    ("commands", .arr commands), ("imports", .str parts.importText), ("messages", .arr #[]),
    ("export", .str data)]

/-- What Lean says of a whole text; nothing is judged, and no open ends are listed. -/
def fileAnswer (session : Session) (code : String) : IO Fields := do
  let (_, steps, _) ← readText session code
  let mut found := #[]
  for step in steps.toList do
    for message in step.messages.toList do
      found := found.push (← messageFields message)
  return [("messages", .arr found), ("sorries", .arr #[])]

end Stp.Worker
