import Stp.Sketch
import Stp.Worker.Text

/-!
The elaborator: runs text that nobody trusts and decides nothing. For a candidate that elaborates it hands out the
resulting declarations in Lean's export format 3.1, which the checker judges.

    lake env lean --run Worker.lean ANSWERS HEARTBEATS
-/

open Lean

namespace Stp.Worker

def errorAnswer (messages : List String) : Fields := [("outcome", .str "errors"), ("messages", strings messages)]

def rejectedAnswer (reason : String) : Fields := [("outcome", .str "rejected"), ("messages", strings [reason])]

/-- Elaborates a theorem with a body; `asStatement`: only its statement is handed out. -/
def theoremAnswer (session : Session) (request : Json) (body : String) (asStatement : Bool) : IO Fields := do
  let most := number request "messages" mostMessages
  let outcome ← theoremOf session (text request "header") (text request "signature") body most
  if !(outcome.errors matches []) then
    return errorAnswer outcome.errors
  if let some reason := outcome.refused then
    return rejectedAnswer reason
  match outcome.state.env.toKernelEnv.find? target with
  | some (.thmInfo _) =>
    match ← exported outcome.state.env [target] (if asStatement then [target] else []) with
    | (data, []) => return [("outcome", .str "done"), ("export", .str data)]
    | (_, (_, reason) :: _) => return rejectedAnswer reason
  | some _ => return rejectedAnswer "the proof does not declare a theorem"
  | none => return rejectedAnswer "the proof declares no theorem"


def answer (session : Session) (request : Json) : IO Fields := do
  match text request "op" with
  | "elaborate" => theoremAnswer session request (bodyOf (text request "proof")) false
  | "statement" => theoremAnswer session request ":= sorry" true
  | "sketch" =>
    let header ← headerOf session (text request "header")
    match header.errors with
    | reason :: _ => return Sketch.refusal reason
    | [] => Sketch.sketchAnswer header.state header.ahead (text request "signature") (text request "proof")
  | "source" => sourceAnswer session (text request "code")
  | "file" => fileAnswer session (text request "code")
  | other => throw (IO.userError s!"a worker knows no request {other}")

/-- The first candidate of a process takes longest: better before anybody waits for it. -/
def warmUp (session : Session) : IO Unit := do
  discard <| theoremOf session "" "(a b : Nat) : a + b = b + a" ":= by omega"

end Stp.Worker

def main (arguments : List String) : IO UInt32 :=
  Stp.run arguments (unchecked := true) Stp.Worker.answer Stp.Worker.warmUp
