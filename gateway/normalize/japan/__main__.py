from gateway.normalize.japan.making import main

main()
