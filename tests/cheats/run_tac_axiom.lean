-- cheat: adds an axiom with code
-- wall: gate
-- statement: : False
by
  run_tac Lean.addDecl (.axiomDecl { name := `evil, levelParams := [], type := .const ``False [], isUnsafe := false })
  exact evil
