-- cheat: uses a name that is not bound
-- wall: gate
-- statement: : False
fun (h : Flase) => h
