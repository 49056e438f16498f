import Stp.Cut
import Stp.Goal

/-!
Sketches: what is left to prove of a proof that fails.

A sketch is a proof with `sorry` where a tactic failed. It elaborates, so each `sorry` has a goal, and each goal is handed
out as the signature of a theorem of its own. A proof of that theorem, put in the place of its `sorry`, brings the whole
closer to a proof. Nothing here is believed: the whole is judged as any other proof.

Everything is asked of Lean's own records of an elaboration (messages with their positions, syntax, information trees).
-/

open Lean

namespace Stp.Sketch

/-- Rounds of cutting: an error that was hidden by another one is cut in the next. -/
def mostRounds : Nat := 4

/-- Holes of a sketch. -/
def mostHoles : Nat := 16

/-! ### Elaboration -/

/-- A theorem, elaborated with all that Lean records of it. -/
structure Attempt where
  source : String
  input : Parser.InputContext
  command : Syntax
  messages : Array Message
  trees : PersistentArray Elab.InfoTree
  /-- Something follows the theorem. -/
  isMore : Bool

/-- Elaborates the commands of a text; the one that begins at or behind byte `start` is the theorem. -/
partial def attempted (source : String) (start : Nat) (input : Parser.InputContext)
    (parser : Parser.ModuleParserState) (state : Elab.Command.State) : IO (Option Attempt) := do
  let (command, next, parsing) := parseCommand input parser state
  if Parser.isTerminalCommand command then
    return none
  let isTarget := match command.getTailPos? with
    | some place => start < place.byteIdx
    | none => false
  -- What does not parse has no places to cut.
  if isTarget && (parsing.toArray.size != 0 || command.hasMissing) then
    return some { source, input, command := .missing, messages := parsing.toArray, trees := {}, isMore := false }
  let state := if isTarget then { state with infoState := { enabled := true } } else state
  let ran ← elaborateCommand input parser.pos command parsing state
  if !isTarget then
    return ← attempted source start input next ran.after
  let (following, _, unread) := parseCommand input next ran.after
  -- The parser passes over what is no Lean; a proof ends before that.
  if unread.toArray.size != 0 then
    return some { source, input, command := .missing, messages := unread.toArray, trees := {}, isMore := false }
  return some {
    source, input, command, messages := ran.messages, trees := ran.after.infoState.trees
    isMore := !Parser.isTerminalCommand following }

def isUnsolved (message : Message) (said : String) : Bool :=
  message.data.hasTag (· == `Tactic.unsolvedGoals) || said.startsWith "unsolved goals"

/-- What to cut of an attempt because of its errors, and whether each error has a place. -/
def cutsOf (attempt : Attempt) : IO (List Cut × Option String) := do
  let mut cuts := #[]
  for message in attempt.messages.toList do
    if isError message then
      let said := (← message.data.toString).trimAscii.toString
      let place := (attempt.input.fileMap.ofPosition message.pos).byteIdx
      let found := if isUnsolved message said then addedAt attempt.command place else
        cutAt attempt.source attempt.command place
      match found with
      | some cut =>
        let isDropped := said.startsWith "No goals"
        cuts := cuts.push { cut with message := (said.take 300).toString, isDropped, keep := if isDropped then "" else cut.keep }
      | none => return ([], some s!"no tactic to cut: {(said.take 200).toString}")
  return (outermost cuts.toList, none)

/-! ### Holes -/

def isTacticHole (stx : Syntax) : Bool :=
  stx.isOfKind ``Parser.Tactic.tacticSorry || stx.isOfKind ``Parser.Tactic.tacticAdmit

def original (stx : Syntax) : Option (Nat × Nat) :=
  match stx.getHeadInfo with
  | .original .. =>
    match stx.getPos?, stx.getTailPos? with
    | some start, some stop => some (start.byteIdx, stop.byteIdx)
    | _, _ => none
  | _ => none

def holeOf (context : Elab.ContextInfo) (info : Elab.Info) : Option Hole :=
  match info with
  | .ofTacticInfo tactic =>
    if !isTacticHole tactic.stx then none else
      match original tactic.stx with
      | some (start, stop) => some {
          start, stop, isTerm := false, context, lctx := {}, mctx := tactic.mctxBefore, goals := tactic.goalsBefore }
      | none => none
  | .ofTermInfo term =>
    if !term.stx.isOfKind ``Parser.Term.sorry then none else
      match original term.stx with
      | some (start, stop) => some {
          start, stop, isTerm := true, context, lctx := term.lctx, mctx := context.mctx, goals := [], type := term.expectedType? }
      | none => none
  | _ => none

partial def leavesOf {α : Type} (node : PersistentArrayNode α) (found : Array α) : Array α := Id.run do
  let mut found := found
  match node with
  | .node parts =>
    for part in parts.toList do
      found := leavesOf part found
  | .leaf items =>
    for item in items.toList do
      found := found.push item
  return found

def itemsOf {α : Type} (items : PersistentArray α) : List α := Id.run do
  let mut found := leavesOf items.root #[]
  for item in items.tail.toList do
    found := found.push item
  return found.toList

/-- The holes of an information tree; what surrounds it says in which environment it was recorded. -/
partial def holesBelow (context : Option Elab.ContextInfo) (tree : Elab.InfoTree) (found : Array Hole) : Array Hole :=
  Id.run do
    match tree with
    | .context part inner => return holesBelow (part.mergeIntoOuter? context) inner found
    | .node info children =>
      let mut found := found
      if let some context := context then
        if let some hole := holeOf context info then
          found := found.push hole
      let context := match context with
        | some context => info.updateContext? (some context)
        | none => none
      for child in itemsOf children do
        found := holesBelow context child found
      return found
    | .hole _ => return found

/-- The holes of an attempt in the order of its text; those that Lean met more than once say so. -/
def holesOf (attempt : Attempt) : List (Hole × Bool) := Id.run do
  let mut all : Array Hole := #[]
  for tree in itemsOf attempt.trees do
    all := holesBelow none tree all
  let mut found : Array (Hole × Bool) := #[]
  for hole in all.toList do
    let mut next := #[]
    let mut placed := false
    for (other, again) in found.toList do
      if other.start == hole.start then
        -- A term is recorded inside the tactic that has it, and may be elaborated twice.
        let isBetter := other.isTerm && (!hole.isTerm || hole.type.isSome || other.type.isNone)
        next := next.push (if isBetter then hole else other, again || (!hole.isTerm && !other.isTerm))
        placed := true
      else if !placed && hole.start < other.start then
        next := (next.push (hole, false)).push (other, again)
        placed := true
      else
        next := next.push (other, again)
    found := if placed then next else next.push (hole, false)
  return found.toList

/-! ### Answers -/

/-- Everything before the proof, in the text of a theorem. -/
def leadOf (ahead signature proof : String) : String :=
  let body := if proof.trimAscii.toString.startsWith "|" then "\n" else ":= "
  s!"{ahead}theorem _root_.{nameText target} {signature} {body}"

def refusal (reason : String) : Fields := [("outcome", .str "none"), ("reason", .str reason)]

/-- A hole as data. -/
def holeFields (state : Elab.Command.State) (ahead : String) (source : String) (lead : Nat) (hole : Hole)
    (again : Bool) : IO Json := do
  let place := [
    ("start", natural (hole.start - lead)), ("stop", natural (hole.stop - lead)), ("is_term", .bool hole.isTerm),
    ("column", natural (columnOf source hole.start)), ("goals", natural (countOf hole.goals))]
  if again then
    return Json.mkObj (("reason", .str "it stands for several goals at once") :: place)
  match ← goalOf state ahead hole with
  | .ok goal =>
    return Json.mkObj (("signature", .str goal.signature) :: ("setup", strings goal.setup) :: place)
  | .error reason => return Json.mkObj (("reason", .str reason) :: place)

/-- Cuts a proof until it elaborates, and lists what is left to prove. -/
partial def sketched (state : Elab.Command.State) (ahead lead source : String) (rounds : Nat)
    (messages : List String) : IO Fields := do
  let start := ahead.utf8ByteSize
  let some attempt ← attempted source start (inputOf source) {} state
    | return refusal "there is no theorem"
  if attempt.command matches .missing then
    match attempt.messages.toList with
    | message :: _ =>
      let place := (attempt.input.fileMap.ofPosition message.pos).byteIdx
      if rounds == 0 || place < lead.utf8ByteSize then
        return refusal "the proof does not parse"
      let said := ((← message.data.toString).take 300).toString
      return ← sketched state ahead lead (unparsed source place) (rounds - 1) (said :: messages)
    | [] => return refusal "the proof does not parse"
  if attempt.isMore then
    return refusal "the proof is more than one declaration"
  let (cuts, trouble) ← cutsOf attempt
  if let some reason := trouble then
    return refusal reason
  if !(cuts matches []) then
    if rounds == 0 then
      return refusal "errors remain after what failed was cut"
    let mut text := source
    let mut messages := messages
    for cut in cuts do
      if cut.start < lead.utf8ByteSize then
        return refusal "the statement itself fails"
      text := applyCut text cut
      messages := cut.message :: messages
    return ← sketched state ahead lead text (rounds - 1) messages
  let holes := holesOf attempt
  if countOf holes > mostHoles then
    return refusal "too many goals are left"
  -- One `sorry` for each goal: the last holes first, so that places before them stay.
  let mut text := source
  let mut reversed := []
  for (hole, _) in holes do
    reversed := hole :: reversed
  for hole in reversed do
    if !hole.isTerm && countOf hole.goals > 1 && rounds > 0 && isOwnLast source hole then
      let between := if isBehindStep source hole.start then "; " else s!"\n{spaces (columnOf source hole.start)}"
      text := replaced text hole.start hole.stop (holesText between (countOf hole.goals))
  if text != source then
    return ← sketched state ahead lead text 0 messages
  let mut found := #[]
  for (hole, again) in holes do
    found := found.push (← holeFields state ahead source lead.utf8ByteSize hole again)
  let proof := String.Pos.Raw.extract source ⟨lead.utf8ByteSize⟩ ⟨source.utf8ByteSize - 1⟩
  return [("outcome", .str "sketch"), ("proof", .str proof), ("holes", .arr found),
    ("messages", strings messages)]
where
  /-- Whether nothing but space follows a hole on its line and it is the last of its sequence: the next line is further out. -/
  isOwnLast (source : String) (hole : Hole) : Bool :=
    let column := columnOf source hole.start
    let rest := String.Pos.Raw.extract source ⟨hole.stop⟩ source.rawEndPos
    match rest.splitOn "\n" with
    | tail :: next :: _ => isBlank tail && !(next.startsWith s!"{spaces column}sorry")
    | _ => true

/-- The sketch of a proof below a header that is elaborated already. -/
def sketchAnswer (state : Elab.Command.State) (ahead signature proof : String) : IO Fields :=
  let lead := leadOf ahead signature proof
  sketched state ahead lead s!"{lead}{proof}\n" mostRounds []

/-- The same for callers that have no types of Lean's at hand. -/
def sketchText (state : Elab.Command.State) (ahead signature proof : String) : IO String := do
  try
    return (Json.mkObj (← sketchAnswer state ahead signature proof)).compress
  catch error => return (Json.mkObj (refusal s!"{error}")).compress

end Stp.Sketch
