import Lean

/-!
Lean's own frontend, one command at a time, and the plain things that all programs here need: names as text, lists as JSON.

The tests run these files in the managed Lean. Its library has the interfaces of generic functions, but not the bodies
that the compiler wants to inline, hence so many loops over lists and so few `map`s and `any`s.
-/

open Lean

namespace Stp

/-- The theorem of a candidate. -/
def target : Name := `stp_target

/-! ### Names and JSON -/

abbrev Fields := List (String × Json)

def natural (n : Nat) : Json := .num (JsonNumber.fromNat n)

def strings (items : List String) : Json := Id.run do
  let mut found := #[]
  for item in items do
    found := found.push (Json.str item)
  return .arr found

/-- A name as its author writes it, as far as that is possible without quotes. -/
def nameText : Name → String
  | .anonymous => ""
  | .str .anonymous part => part
  | .num .anonymous part => s!"{part}"
  | .str rest part => s!"{nameText rest}.{part}"
  | .num rest part => s!"{nameText rest}.{part}"

def compareNames (a b : Name) : Ordering := Name.quickCmp a b

abbrev NameMap (α : Type) := Std.TreeMap Name α compareNames

def countOf {α : Type} (items : List α) : Nat := items.foldl (fun n _ => n + 1) 0

/-! ### Commands -/

def isError (message : Message) : Bool := message.severity matches .error

def inputOf (source : String) : Parser.InputContext :=
  { inputString := source, fileName := "<in>", fileMap := FileMap.ofString source, endPos := source.rawEndPos,
    endPos_valid := by simp }

/-- One command and what came of it. -/
structure Ran where
  after : Elab.Command.State
  messages : Array Message

/-- Elaborates one command. -/
def elaborateCommand (input : Parser.InputContext) (start : String.Pos.Raw) (command : Syntax) (parsing : MessageLog)
    (before : Elab.Command.State) : IO Ran := do
  let context : Elab.Command.Context :=
    { fileName := input.fileName, fileMap := input.fileMap, cmdPos := start, snap? := none, cancelTk? := none }
  let state ← IO.mkRef { before with messages := {}, snapshotTasks := #[] }
  let ended ← (Elab.Command.elabCommandTopLevel command context state).toBaseIO
  let after ← state.get
  -- The elaborator forgets what the parser said.
  let mut messages := parsing.toArray
  for message in after.messages.toArray.toList do
    messages := messages.push message
  for task in after.snapshotTasks.toList do
    for snapshot in task.task.get.getAll.toList do
      for message in snapshot.diagnostics.msgLog.toArray.toList do
        messages := messages.push message
  if let .error error := ended then
    let data := match error with
      | .error _ data => data
      | .internal .. => m!"an internal exception"
    messages := messages.push { fileName := input.fileName, pos := input.fileMap.toPosition start, data }
  return { after := { after with messages := {}, snapshotTasks := #[] }, messages }

/-- The next command of a text. -/
def parseCommand (input : Parser.InputContext) (parser : Parser.ModuleParserState) (state : Elab.Command.State) :
    Syntax × Parser.ModuleParserState × MessageLog :=
  match state.scopes with
  | scope :: _ =>
    let context : Parser.ParserModuleContext :=
      { env := state.env, options := scope.opts, currNamespace := scope.currNamespace, openDecls := scope.openDecls }
    Parser.parseCommand input context parser {}
  | [] => (.missing, parser, {})

/-- What a text came to. -/
structure Result where
  state : Elab.Command.State
  messages : Array Message := #[]
  /-- Where its commands begin. -/
  starts : Array String.Pos.Raw := #[]
  failed : Bool := false

/-- Elaborates a text to its end, or to the first command with an error. -/
partial def elaborate (input : Parser.InputContext) (parser : Parser.ModuleParserState) (result : Result) :
    IO Result := do
  let (command, next, parsing) := parseCommand input parser result.state
  let ran ← elaborateCommand input parser.pos command parsing result.state
  let isEnd := Parser.isTerminalCommand command
  let mut result := { result with state := ran.after }
  for message in ran.messages.toList do
    result := { result with
      messages := result.messages.push message
      failed := result.failed || isError message }
  if let some start := command.getPos? then
    if !isEnd then
      result := { result with starts := result.starts.push start }
  if isEnd || result.failed then
    return result
  elaborate input next result

/-- Elaborates a text that has no imports, to its end or to the first command with an error. -/
def elaborateText (source : String) (state : Elab.Command.State) : IO Result :=
  elaborate (inputOf source) {} { state }

def isBlank (source : String) : Bool := source.trimAscii.toString == ""

end Stp
