-- cheat: uses a name that is not bound
-- statement: : False
fun (h : Flase) => h
