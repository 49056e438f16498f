-- cheat: matches on nothing
-- wall: lean
-- statement: : False
fun x => match x with
