-- cheat: exports a namespace
-- wall: gate
-- statement: : False
em
export Classical (em)
