import Stp.Elaboration

/-!
What the worker and the checker share: the protocol's lines, and environments by their imports.

A process reads one JSON object a line from its standard input and writes one a line to the file that its first
argument names: a descriptor of its own, so that nothing that a candidate prints is taken for an answer.
-/

open Lean

namespace Stp

/-- Every text is elaborated as this module; private names have it in them, so all processes must use the same. -/
def moduleName : Name := `Stp

/-- Environments, and headers, that are kept. -/
def mostKept : Nat := 4

/-- Errors of a candidate that are reported if the request does not say how many. -/
def mostMessages : Nat := 5

/-- Characters of a message. -/
def mostOfMessage : Nat := 2000

structure Settings where
  answers : String
  heartbeats : Nat
  /-- The library was loaded without the proofs of its theorems, which look like axioms then. -/
  proofless : Bool
  /-- Declarations enter the environment without the kernel's check. -/
  unchecked : Bool := false

/-- `ANSWERS HEARTBEATS [--proofless]`. -/
def Settings.parse : List String → Except String Settings
  | answers :: heartbeats :: rest =>
    match heartbeats.toNat? with
    | some heartbeats => .ok { answers, heartbeats, proofless := rest.contains "--proofless" }
    | none => .error s!"{heartbeats} is not a number of heartbeats"
  | _ => .error "usage: lean --run FILE ANSWERS HEARTBEATS [--proofless]"

/-! ### Lines -/

def text (request : Json) (key : String) : String :=
  match request.getObjVal? key with
  | .ok (.str value) => value
  | _ => ""

def has (request : Json) (key : String) : Bool :=
  match request.getObjVal? key with
  | .ok .null => false
  | .ok _ => true
  | .error _ => false

def number (request : Json) (key : String) (otherwise : Nat) : Nat :=
  match request.getObjVal? key with
  | .ok value => match value.getNat? with
    | .ok n => n
    | .error _ => otherwise
  | .error _ => otherwise

def texts (request : Json) (key : String) : List String := Id.run do
  let mut found := #[]
  if let .ok (.arr items) := request.getObjVal? key then
    for item in items.toList do
      if let .str value := item then
        found := found.push value
  return found.toList

/-- What its author calls a constant, private or not. -/
def userName (name : Name) : Name :=
  match privateToUserName? name with
  | some name => name
  | none => name

/-- Memory of its own in bytes, where Linux tells: the library's files, which it maps, are not its own. -/
def resident : IO Nat := do
  try
    match (← IO.FS.readFile "/proc/self/statm").splitOn " " with
    | _ :: all :: shared :: _ => return (all.toNat?.getD 0 - shared.toNat?.getD 0) * 4096
    | _ => return 0
  catch _ => return 0

def write (answers : IO.FS.Handle) (fields : Fields) : IO Unit := do
  answers.putStrLn (Json.mkObj fields).compress
  answers.flush

/-- Answers requests until there are none. What `answer` throws makes the process unusable for whoever asked. -/
partial def serve (answers : IO.FS.Handle) (answer : Json → IO Fields) : IO Unit := do
  let line ← (← IO.getStdin).getLine
  if line == "" then
    return
  let began ← IO.monoMsNow
  let mut id := Json.null
  let mut fields : Fields := []
  match Json.parse line with
  | .error reason => fields := [("crashed", .str s!"the request is no JSON: {reason}")]
  | .ok request =>
    if let .ok given := request.getObjVal? "id" then
      id := given
    try
      fields ← answer request
    catch error => fields := [("crashed", .str (toString error))]
  let elapsed := (← IO.monoMsNow) - began
  write answers <| ("id", id) :: ("elapsed_ms", natural elapsed) :: ("lean_us", natural 0) ::
    ("print_us", natural 0) :: ("rss", natural (← resident)) :: fields
  serve answers answer

/-! ### Tables -/

/-- Numbers of expressions: a hash table that never grows, for one export. -/
structure Numbers where
  buckets : Array (List (Expr × Nat)) := Array.replicate 8192 []

def lookUp (e : Expr) : List (Expr × Nat) → Option Nat
  | [] => none
  | (key, number) :: rest => if key == e then some number else lookUp e rest

def Numbers.find? (numbers : Numbers) (e : Expr) : Option Nat :=
  lookUp e numbers.buckets[e.hash.toNat % 8192]!

def Numbers.insert (numbers : Numbers) (e : Expr) (number : Nat) : Numbers :=
  { buckets := numbers.buckets.modify (e.hash.toNat % 8192) ((e, number) :: ·) }

/-! ### Environments -/

/-- What a list of imports gives. -/
structure Imported where
  env : Environment
  errors : List String

/-- A header, elaborated once. -/
structure Header where
  imported : Imported
  /-- The state that a candidate starts from. -/
  state : Elab.Command.State
  /-- Lines that mean nothing without the theorem, such as `open Nat in`; they go before every text. -/
  ahead : String
  errors : List String

structure Session where
  settings : Settings
  environments : IO.Ref (List (String × Imported))
  headers : IO.Ref (List (String × Header))

/-- The value of a key, made if it is not there; the `mostKept` used last are kept. -/
def kept {α : Type} (cache : IO.Ref (List (String × α))) (key : String) (make : IO α) : IO α := do
  let mut others := #[]
  let mut known := none
  for (name, value) in ← cache.get do
    if name == key then
      known := some value
    else if others.size + 1 < mostKept then
      others := others.push (name, value)
  let value ← match known with
    | some value => pure value
    | none => make
  cache.set ((key, value) :: others.toList)
  return value

/-- The errors of a log as the protocol has them, `LINE:COL: error: …`, without the first `lead` lines of the text. -/
def errorsOf (messages : List Message) (most : Nat := mostMessages) (lead : Nat := 0) : IO (List String) := do
  let mut errors := #[]
  for message in messages do
    if isError message && errors.size < max most 1 then
      let said := ((← message.data.toString).trimAscii.toString.take mostOfMessage).toString
      errors := errors.push s!"{message.pos.line - lead}:{message.pos.column}: error: {said}"
  return errors.toList

/-- A text, and where its imports end. -/
structure Split where
  input : Parser.InputContext
  imports : Elab.HeaderSyntax
  /-- The imports as they are written. -/
  importText : String
  rest : String
  parser : Parser.ModuleParserState
  errors : List String

def split (source : String) : IO Split := do
  let input := inputOf source
  let (imports, parser, messages) ← Parser.parseHeader input
  return {
    input, imports, parser
    importText := (String.Pos.Raw.extract source 0 parser.pos).trimAscii.toString
    rest := String.Pos.Raw.extract source parser.pos source.rawEndPos
    errors := ← errorsOf messages.toArray.toList }

def optionsOf (settings : Settings) : Options :=
  let options := KVMap.setNat {} `maxHeartbeats settings.heartbeats
  KVMap.setBool options `Elab.async false

/-- The environment of the imports at the beginning of a text, from memory if it is there. -/
def imported (session : Session) (parts : Split) : IO Imported :=
  kept session.environments parts.importText do
    let (env, messages) ← Elab.processHeader parts.imports (optionsOf session.settings) {} parts.input
      (mainModule := moduleName)
    let errors ← errorsOf messages.toArray.toList
    return { env, errors := if parts.errors matches [] then errors else parts.errors }

/-! ### Elaboration -/

/-- The options of headers and candidates. What the worker adds is given to the kernel by the checker. -/
def quietOptions (settings : Settings) : Options :=
  let options := KVMap.setBool (optionsOf settings) `autoImplicit false
  let options := KVMap.setBool options `relaxedAutoImplicit false
  let options := KVMap.setBool options `linter.all false
  KVMap.setBool options `debug.skipKernelTC settings.unchecked

/-- What the candidates of a header start from. -/
def headerOf (session : Session) (source : String) : IO Header :=
  kept session.headers source do
    let parts ← split source
    let imported ← imported session parts
    let state := Elab.Command.mkState imported.env {} (quietOptions session.settings)
    let bare := { state with infoState := { enabled := false } }
    if !(imported.errors matches []) then
      return { imported, state := bare, ahead := "", errors := imported.errors }
    if isBlank parts.rest then
      return { imported, state := bare, ahead := "", errors := [] }
    let result ← elaborate parts.input parts.parser { state := bare }
    if result.failed then
      return { imported, state := bare, ahead := parts.rest ++ "\n", errors := [] }
    return { imported, state := result.state, ahead := "", errors := [] }

/-- The lines that a text pushes down what stands after it. -/
def linesBefore (ahead : String) : Nat := Id.run do
  let mut lines := 0
  for letter in ahead.toList do
    if letter == '\n' then
      lines := lines + 1
  return lines

/-- A theorem under its header: what became of it, or the errors. -/
structure Outcome where
  header : Header
  state : Elab.Command.State
  errors : List String := []
  /-- Why it is refused, although Lean has nothing against it. -/
  refused : Option String := none

def theoremOf (session : Session) (source signature body : String) (most : Nat := mostMessages) : IO Outcome := do
  let header ← headerOf session source
  if !(header.errors matches []) then
    return { header, state := header.state, errors := header.errors }
  let source := s!"{header.ahead}theorem _root_.{nameText target} {signature} {body}\n"
  let result ← elaborateText source header.state
  if result.failed then
    let errors ← errorsOf result.messages.toList most (linesBefore header.ahead)
    return { header, state := result.state, errors }
  -- The theorem is the last command: nothing begins behind its first letter.
  for start in result.starts.toList do
    if header.ahead.utf8ByteSize < start.byteIdx then
      return { header, state := result.state, refused := some "the proof is more than one declaration" }
  return { header, state := result.state }

/-- The body of a theorem: `:= PROOF`, or cases that begin with `|`. -/
def bodyOf (proof : String) : String :=
  if proof.trimAscii.toString.startsWith "|" then s!"\n{proof}" else s!":= {proof}"

/-- Starts a session and serves it. -/
def run (arguments : List String) (unchecked : Bool) (answer : Session → Json → IO Fields)
    (warmUp : Session → IO Unit) : IO UInt32 := do
  match Settings.parse arguments with
  | .error reason =>
    IO.eprintln reason
    return 2
  | .ok settings =>
    let answers ← IO.FS.Handle.mk settings.answers .write
    try
      let session : Session := {
        settings := { settings with unchecked }
        environments := ← IO.mkRef []
        headers := ← IO.mkRef [] }
      warmUp session
      write answers [("ready", .bool true), ("rss", natural (← resident))]
      serve answers (answer session)
      return 0
    catch error =>
      write answers [("fatal", .str (toString error))]
      return 3

end Stp
