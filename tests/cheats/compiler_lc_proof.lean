-- cheat: uses the compiler's proof of anything
-- wall: gate
-- statement: : False
lcProof
