import Stp.Elaboration

/-!
Which part of a proof to cut because a tactic in it failed, and the text that remains.

The place of a failure is Lean's own, of its messages; what stands around it is Lean's syntax tree.
-/

open Lean

namespace Stp.Sketch

/-! ### Syntax -/

def range (stx : Syntax) : Option (Nat × Nat) :=
  match stx.getPos? true, stx.getTailPos? true with
  | some start, some stop => some (start.byteIdx, stop.byteIdx)
  | _, _ => none

def isWithin (place : Nat) (stx : Syntax) : Bool :=
  match range stx with
  | some (start, stop) => start ≤ place && place < stop
  | none => false

/-- The steps of a sequence of tactics. -/
def stepsOf (sequence : Syntax) : List Syntax := Id.run do
  let mut found := #[]
  let mut isStep := true
  for part in sequence.getArgs.toList do
    if isStep then
      found := found.push part
    isStep := !isStep
  return found.toList

def isSequence (stx : Syntax) : Bool :=
  stx.isOfKind ``Parser.Tactic.tacticSeq1Indented || stx.isOfKind ``Parser.Tactic.tacticSeqBracketed

/-- The steps' node of a sequence. -/
def bodyOfSequence (stx : Syntax) : Syntax :=
  if stx.isOfKind ``Parser.Tactic.tacticSeqBracketed then stx[1] else stx[0]

/-- Tactics that run others on several goals, or try them: a hole inside would stand for more than one goal. -/
def isCombinator (kind : Name) : Bool :=
  kind == ``Parser.Tactic.allGoals || kind == ``Parser.Tactic.anyGoals || kind == ``Parser.Tactic.first ||
  kind == ``Parser.Tactic.tacticTry_ || kind == ``Parser.Tactic.tacticRepeat_ ||
  kind == ``Parser.Tactic.«tactic_<;>_» || kind == `Lean.Parser.Tactic.repeat' || kind == `Lean.Parser.Tactic.repeat1' ||
  kind == `Lean.Parser.Tactic.tacticIterate____ || kind == `Lean.solveTactic || kind == `Lean.Parser.Tactic.«tactic_<|>_»

/-- What is to be cut: in a sequence whose first step begins at `column`, everything from the byte `start` to `stop`. -/
structure Cut where
  start : Nat
  stop : Nat
  /-- Where the sequence's first step begins. -/
  first : Nat
  /-- The steps in the hole's place: text that is kept of the failing step. -/
  keep : String := ""
  /-- Nothing is cut: a hole is added behind `stop`. -/
  isAdded : Bool := false
  /-- Where the step before that hole begins. -/
  last : Nat := 0
  /-- Nothing is left to prove: the steps go, and no hole comes. -/
  isDropped : Bool := false
  /-- Where the step before ends, if there is one. -/
  previous : Option Nat := none
  message : String := ""

/-- The part of a failing step that goes before what failed: `a` of `a <;> b`, the first rules of a `rw`. -/
partial def kept (source : String) (step : Syntax) (place : Nat) : String :=
  let text (start stop : Nat) := String.Pos.Raw.extract source ⟨start⟩ ⟨stop⟩
  if step.isOfKind ``Parser.Tactic.«tactic_<;>_» then
    match range step[0] with
    | some (start, stop) => if place < stop then kept source step[0] place else text start stop
    | none => ""
  else if step.isOfKind `Lean.Parser.Tactic.tacticRw__ || step.isOfKind ``Parser.Tactic.rwSeq ||
      step.isOfKind ``Parser.Tactic.rewriteSeq then Id.run do
    let rules := step[2]
    let mut before := none
    let mut isRule := true
    for rule in rules[1].getArgs.toList do
      if isRule then
        if let some (start, stop) := range rule then
          if start ≤ place && place < stop then
            match before, range step with
            | some last, some (from_, _) =>
              let location := match range step[3] with
                | some (start, stop) => s!" {text start stop}"
                | none => ""
              return s!"{text from_ last}]{location}"
            | _, _ => return ""
          before := some stop
      isRule := !isRule
    return ""
  else ""

/-- The innermost sequence around a failing place, and what to cut of it. -/
partial def cutAt (source : String) (stx : Syntax) (place : Nat) : Option Cut := Id.run do
  if !isWithin place stx then
    return none
  if isSequence stx then
    let steps := stepsOf (bodyOfSequence stx)
    let mut first := none
    let mut last := 0
    for step in steps do
      if let some (start, stop) := range step then
        if first.isNone then
          first := some start
        last := stop
    let mut previous := none
    for step in steps do
      if isWithin place step then
        if !isCombinator step.getKind then
          if let some inner := cutAt source step place then
            return some inner
        match range step, first with
        | some (start, _), some column =>
          return some { start, stop := last, first := column, keep := kept source step place, previous }
        | _, _ => return none
      if let some (_, stop) := range step then
        previous := some stop
    return none
  for part in stx.getArgs.toList do
    if let some found := cutAt source part place then
      return some found
  return none

/-- The first sequence below a node, in the order of the text. -/
partial def firstSequence (stx : Syntax) : Option Syntax := Id.run do
  if isSequence stx then
    return some stx
  for part in stx.getArgs.toList do
    if let some found := firstSequence part then
      return some found
  return none

/-- The sequence that leaves goals open: the first one below the smallest node around the place that has one. -/
partial def openSequence (stx : Syntax) (place : Nat) : Option Syntax := Id.run do
  if !isWithin place stx then
    return none
  for part in stx.getArgs.toList do
    if let some found := openSequence part place then
      return some found
  firstSequence stx

/-- A hole at the end of a sequence that leaves goals open. -/
def addedAt (stx : Syntax) (place : Nat) : Option Cut := Id.run do
  let some sequence := openSequence stx place | return none
  let mut first := none
  let mut last := (0, 0)
  for step in stepsOf (bodyOfSequence sequence) do
    if let some (start, stop) := range step then
      if first.isNone then
        first := some start
      last := (start, stop)
  match first with
  | some column => return some { start := last.2, stop := last.2, first := column, isAdded := true, last := last.1 }
  | none => return none

/-! ### Editing -/

/-- The column of a byte, in characters. -/
def columnOf (source : String) (place : Nat) : Nat := Id.run do
  let mut column := 0
  for letter in (String.Pos.Raw.extract source 0 ⟨place⟩).toList do
    column := if letter == '\n' then 0 else column + 1
  return column

def spaces (count : Nat) : String := Id.run do
  let mut written := ""
  for _ in List.range count do
    written := written.push ' '
  return written

/-- Whether a step stands before a place on its line: the column of that place is not that of the sequence. -/
def isBehindStep (source : String) (place : Nat) : Bool := Id.run do
  let mut last := ' '
  for letter in (String.Pos.Raw.extract source 0 ⟨place⟩).toList do
    last := if letter == ' ' then last else letter
  return last == ';'

/-- Whether a step would take what is written behind it on its line as a part of it. -/
def takesMore (step : String) : Bool :=
  let isWithin (part : String) : Bool := match step.splitOn part with
    | _ :: _ :: _ => true
    | _ => false
  isWithin "|" || isWithin "=>" || isWithin "·" || isWithin "by " || step.startsWith "try " || step.startsWith "first " ||
    step.startsWith "repeat" || step.startsWith "iterate" || step.startsWith "focus" || step.startsWith "all_goals" ||
    step.startsWith "any_goals"

/-- `count` holes with a text between them. -/
def holesText (between : String) (count : Nat) : String := Id.run do
  let mut written := "sorry"
  for _ in List.range (count - 1) do
    written := s!"{written}{between}sorry"
  return written

/-- A text with a part of it replaced. -/
def replaced (source : String) (start stop : Nat) (text : String) : String :=
  let before := String.Pos.Raw.extract source 0 ⟨start⟩
  let after := String.Pos.Raw.extract source ⟨stop⟩ source.rawEndPos
  s!"{before}{text}{after}"

def applyCut (source : String) (cut : Cut) : String :=
  let column := columnOf source cut.first
  let line := s!"\n{spaces column}"
  if cut.isDropped then
    match cut.previous with
    | some stop => replaced source stop cut.stop ""
    | none => replaced source cut.start cut.stop "skip"
  else if cut.isAdded then
    if isBehindStep source cut.last then
      let step := String.Pos.Raw.extract source ⟨cut.last⟩ ⟨cut.stop⟩
      replaced source cut.last cut.stop (if takesMore step then s!"({step}); sorry" else s!"{step}; sorry")
    else replaced source cut.start cut.stop s!"{line}sorry"
  else if cut.keep == "" then replaced source cut.start cut.stop "sorry"
  else replaced source cut.start cut.stop s!"{cut.keep}{line}sorry"

/-- Cuts in the order of the text from its end, without those that lie in others. -/
def outermost (cuts : List Cut) : List Cut := Id.run do
  let mut sorted : Array Cut := #[]
  for cut in cuts do
    let mut next := #[]
    let mut placed := false
    for other in sorted.toList do
      if !placed && (other.start < cut.start || (other.start == cut.start && other.stop < cut.stop)) then
        next := next.push cut
        placed := true
      next := next.push other
    sorted := if placed then next else next.push cut
  let mut found := #[]
  for cut in sorted.toList do
    let mut inside := false
    for other in sorted.toList do
      let same := other.start == cut.start && other.stop == cut.stop && other.isAdded == cut.isAdded
      if !same && !other.isAdded && other.start ≤ cut.start && cut.stop ≤ other.stop then
        inside := true
    for other in found.toList do
      if other.start == cut.start && other.stop == cut.stop then
        inside := true
    if !inside then
      found := found.push cut
  return found.toList

/-- A text up to the step that has a bracket open at its end: no `sorry` can stand within it. A text without one is left. -/
def beforeOpen (text : String) : String := Id.run do
  let mut depth := 0
  let mut read := ""
  let mut word := ""
  let mut step := ""
  let mut kept := ""
  let mut isNext := true
  for letter in text.toList do
    if depth == 0 then
      if letter == '\n' || (letter == ';' && word != "<") then
        isNext := true
      else if letter == ' ' then
        isNext := isNext || word == "by" || word == "=>" || word == ":=" || word == "<;>"
      else if isNext && letter != '·' then
        step := read
        isNext := false
    if letter == '(' || letter == '[' || letter == '{' || letter == '⟨' then
      if depth == 0 then
        kept := step
      depth := depth + 1
    else if letter == ')' || letter == ']' || letter == '}' || letter == '⟩' then
      depth := depth - 1
    word := if letter == ' ' || letter == '\n' then "" else word.push letter
    read := read.push letter
  return if depth == 0 then text else kept

/-- The hole where a text stops to be Lean: the rest of that line goes, and lines below that are further in. -/
def unparsed (source : String) (place : Nat) : String := Id.run do
  -- The parser's place may be inside a word.
  let mut inWord := ""
  let mut before := ""
  for letter in (String.Pos.Raw.extract source 0 ⟨place⟩).toList do
    if letter.isAlphanum || letter == '_' || letter == '\'' || letter == '.' then
      inWord := inWord.push letter
    else
      before := s!"{before}{inWord}{letter}"
      inWord := ""
  before := beforeOpen before
  let rest := String.Pos.Raw.extract source ⟨place⟩ source.rawEndPos
  let mut column := 0
  let mut isLead := true
  for letter in before.toList do
    if letter == '\n' then
      column := 0
      isLead := true
    else if isLead && (letter == ' ' || letter == '·') then
      column := column + 1
    else
      isLead := false
  let mut written := if rest == "" then s!"{before}sorry\n" else s!"{before}sorry"
  let mut isFirst := true
  let mut isBelow := true
  for line in rest.splitOn "\n" do
    if isFirst then
      isFirst := false
    else if !(isBelow && line.startsWith (spaces (column + 1)) && !isBlank line) then
      isBelow := false
      written := s!"{written}\n{line}"
  return written

end Stp.Sketch
