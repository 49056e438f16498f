-- cheat: takes the converse
-- wall: lean
-- statement: (p q : Prop) (h : p → q) : q → p
fun hq => Classical.byContradiction (fun hp => hp (h hq))
