"""python3 -m talker_2"""

from talker_2.main import main

main()
