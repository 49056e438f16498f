-- cheat: uses the compiler's proof of anything
-- statement: : False
lcProof
