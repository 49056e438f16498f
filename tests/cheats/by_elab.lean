-- cheat: builds the term with code
-- wall: gate
-- statement: : False
(by_elab return Lean.mkConst ``True.intro)
