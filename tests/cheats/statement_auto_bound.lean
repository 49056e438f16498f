-- cheat: uses a name that is not bound
-- wall: lean
-- statement: : False
fun (h : Flase) => h
