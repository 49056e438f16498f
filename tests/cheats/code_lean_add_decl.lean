-- cheat: adds a declaration to the environment by code
-- wall: gate
-- statement: : False
by run_tac Lean.addDecl (.axiomDecl { name := `h, levelParams := [], type := .const ``False [], isUnsafe := false })
